import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0004_leased_ones'),
    ]

    operations = [
        migrations.AddField(
            model_name='webhookendpoint',
            name='older_secrets',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BinaryField(max_length=64), help_text='those before the previous one', null=True, size=None),
        ),
        migrations.AlterField(
            model_name='webhookendpoint',
            name='previous_until',
            field=models.DateTimeField(help_text='all of them sign until then', null=True),
        ),
    ]

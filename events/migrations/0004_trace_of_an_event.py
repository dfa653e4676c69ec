from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0003_dead_ones'),
    ]

    operations = [
        migrations.AddField(
            model_name='outboxevent',
            name='trace',
            field=models.CharField(blank=True, db_default='', default='', max_length=55),
        ),
    ]

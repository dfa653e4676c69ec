import django.db.models.deletion
import foundation.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reconciliation', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Collection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account', models.CharField(max_length=64)),
                ('begins_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('last_id', models.CharField(blank=True, help_text='everything up to here is kept', max_length=255)),
                ('begun_at', models.DateTimeField(default=foundation.clock.now, editable=False)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('account', 'begins_at', 'ends_at'), name='a_window_is_collected_once')],
            },
        ),
        migrations.CreateModel(
            name='CollectedLine',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('external_id', models.CharField(max_length=255)),
                ('facts', models.JSONField()),
                ('collection', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='reconciliation.collection')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('collection', 'external_id'), name='a_line_is_collected_once')],
            },
        ),
    ]

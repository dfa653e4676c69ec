from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reconciliation', '0003_retellings'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='collection',
            name='a_window_is_collected_once',
        ),
        migrations.AddField(
            model_name='collection',
            name='payout_id',
            field=models.CharField(blank=True, default='', help_text='whose lines; or else all of the window', max_length=255),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name='collection',
            constraint=models.UniqueConstraint(fields=('account', 'begins_at', 'ends_at', 'payout_id'), name='a_window_is_collected_once'),
        ),
    ]

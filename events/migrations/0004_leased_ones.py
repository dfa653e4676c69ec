from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0003_dead_ones'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('state', 'leased')), fields=['due_at'], name='webhook_leased'),
        ),
    ]

"""All payments of one story are read on every order's page; people find events by what they are about."""

from django.db import migrations, models


class Migration(migrations.Migration):
    # Whole tables are locked while their indexes are built: nothing runs this in production before 1.0, so that
    # none of it is built CONCURRENTLY.

    dependencies = [
        ('payments', '0009_dead_ones'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='payment',
            index=models.Index(fields=['stream'], name='payment_by_stream'),
        ),
        migrations.AddIndex(
            model_name='processorevent',
            index=models.Index(fields=['object_id'], name='processor_event_by_object'),
        ),
    ]

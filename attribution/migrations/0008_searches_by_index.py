"""People find visits by their session, and refunds told to analytics by the order's number."""

from django.db import migrations, models


class Migration(migrations.Migration):
    # Whole tables are locked while their indexes are built: nothing runs this in production before 1.0, so that
    # none of it is built CONCURRENTLY.

    dependencies = [
        ('attribution', '0007_import_permission'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='refundsending',
            index=models.Index(fields=['number'], name='refund_to_send_by_number'),
        ),
        migrations.AddIndex(
            model_name='touchpoint',
            index=models.Index(condition=models.Q(('session_id', ''), _negated=True), fields=['session_id'], name='touchpoint_by_session'),
        ),
    ]

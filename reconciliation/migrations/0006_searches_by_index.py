"""People find lines by our payment and by the charge, refund or dispute; breaks by the processor's id."""

from django.db import migrations, models


class Migration(migrations.Migration):
    # Whole tables are locked while their indexes are built: nothing runs this in production before 1.0, so that
    # none of it is built CONCURRENTLY.

    dependencies = [
        ('reconciliation', '0005_matches_by_hand'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='reconciliationbreak',
            index=models.Index(fields=['processor_reference'], name='break_by_reference'),
        ),
        migrations.AddIndex(
            model_name='reconciliationbreak',
            index=models.Index(condition=models.Q(('assignee', ''), _negated=True), fields=['assignee'], name='break_by_assignee'),
        ),
        migrations.AddIndex(
            model_name='settlementline',
            index=models.Index(condition=models.Q(('payment_id__isnull', False)), fields=['payment_id'], name='line_by_our_payment'),
        ),
        migrations.AddIndex(
            model_name='settlementline',
            index=models.Index(condition=models.Q(('source_id', ''), _negated=True), fields=['source_id'], name='line_by_source'),
        ),
    ]

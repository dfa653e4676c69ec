"""People find keys without knowing whose they are, and the record by who did what, the newest first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    # Whole tables are locked while their indexes are built: nothing runs this in production before 1.0, so that
    # none of it is built CONCURRENTLY.

    dependencies = [
        ('foundation', '0006_crossings'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='idempotencykey',
            name='one_row_per_scope_and_key',
        ),
        migrations.AddConstraint(
            model_name='idempotencykey',
            constraint=models.UniqueConstraint(fields=('key', 'scope'), name='one_row_per_scope_and_key'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['at'], name='audit_by_time'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['actor'], name='audit_by_actor'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['action'], name='audit_by_action'),
        ),
        migrations.AddIndex(
            model_name='transition',
            index=models.Index(condition=models.Q(('actor__startswith', 'staff:')), fields=['actor'], name='transition_by_person'),
        ),
    ]

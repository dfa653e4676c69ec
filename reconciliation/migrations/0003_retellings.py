import django.db.models.deletion
from django.db import migrations, models

from foundation.postgres.append_only import append_only

# `sum` of bigints is numeric, which is exact beyond 64 bits and slow. This one is exact within 64
# bits, refuses what goes beyond them, and takes eight bytes of each group.
TOTAL = """
    CREATE AGGREGATE reconciliation_total(bigint) (
        sfunc = int8pl, stype = bigint, combinefunc = int8pl, initcond = '0', parallel = safe
    )
"""
# Lines that were told before this table was.
BACKFILL = """
    INSERT INTO reconciliation_retelling (line_id, earlier_id)
    SELECT id, earlier_id FROM (
        SELECT id, lag(id) OVER (PARTITION BY account, external_id ORDER BY id) AS earlier_id
        FROM reconciliation_settlementline
    ) told WHERE earlier_id IS NOT NULL
"""


class Migration(migrations.Migration):

    dependencies = [
        ('reconciliation', '0002_collections'),
    ]

    operations = [
        migrations.RunSQL(TOTAL, "DROP AGGREGATE reconciliation_total(bigint)"),
        migrations.CreateModel(
            name='Retelling',
            fields=[
                ('line', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='retelling', serialize=False, to='reconciliation.settlementline')),
                ('earlier', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reconciliation.settlementline')),
            ],
        ),
        migrations.CreateModel(
            name='Uncompared',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account', models.CharField(max_length=64)),
                ('processor_reference', models.CharField(max_length=255)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('account', 'processor_reference'), name='one_reminder_per_payment')],
            },
        ),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
        append_only("reconciliation_retelling"),
    ]

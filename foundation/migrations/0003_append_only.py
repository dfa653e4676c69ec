"""Transitions and audit entries are never changed: the database holds everybody to it."""

from django.db import migrations

from foundation.postgres.append_only import FUNCTION, MAKE_FUNCTION, append_only


class Migration(migrations.Migration):

    dependencies = [('foundation', '0001_initial')]

    operations = [
        migrations.RunSQL(MAKE_FUNCTION, f"DROP FUNCTION {FUNCTION}()"),
        append_only("foundation_transition"),
        append_only("foundation_auditentry"),
    ]

"""The roles of staff, on a fresh database and on one that has none yet."""

from django.db import migrations

from checkout_project import roles


def grant(apps, schema_editor):
    roles.make_permissions()
    roles.grant()


class Migration(migrations.Migration):

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(grant, migrations.RunPython.noop)]

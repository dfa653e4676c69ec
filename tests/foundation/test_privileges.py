"""The application's role works with rows, and can neither change nor remove what must stay."""

from contextlib import ExitStack

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, ProgrammingError, connection, connections

from foundation.management.commands import migrate
from foundation.postgres.append_only import append_only_models
from foundation.postgres.privileges import equip
from tests import builders

TABLES = sorted(model._meta.db_table for model in append_only_models())
ROLE = "checkout_app"


@pytest.fixture
def app(transactional_db):
    """A second connection, as the web process has it: the owner's login in the app's role."""
    equip(connection, ROLE)
    line = connections.create_connection("default")
    line.settings_dict = {
        **line.settings_dict, "OPTIONS": {**line.settings_dict["OPTIONS"], "role": ROLE},
    }  # fmt: skip
    yield line
    line.close()


def first_column(line, table):
    """Any column will do; not every table has an `id`."""
    return run(
        line,
        f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum = 1",
    )[0][0]


def run(line, statement):
    with line.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def test_a_session_begins_as_the_role_and_leaving_it_by_reset_is_no_way_out(app):
    assert run(app, "SELECT current_user") == [(ROLE,)]
    run(app, "RESET ROLE")
    assert run(app, "SELECT current_user") == [(ROLE,)]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "words",
    [
        "UPDATE {} SET {column} = {column}",
        "DELETE FROM {}",
        "TRUNCATE {} CASCADE",
        "DROP TABLE {}",
    ],
)
def test_the_role_can_not_touch_what_is_append_only(app, table, words):
    column = first_column(app, table)

    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        run(app, words.format(table, column=column))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "words",
    [
        "ALTER TABLE {} DISABLE TRIGGER ALL",
        "DROP TRIGGER append_only ON {}",
        "CREATE TRIGGER mine BEFORE INSERT ON {} FOR EACH ROW"
        " EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ],
)
def test_the_role_can_not_lift_the_guard(app, table, words):
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"):
        run(app, words.format(table))


@pytest.mark.parametrize(
    "words",
    [
        "SET session_replication_role = replica",
        "CREATE TABLE mine (id int)",
        "CREATE ROLE mine",
        "DELETE FROM django_migrations",
        "TRUNCATE orders_order CASCADE",
    ],
)
def test_the_role_has_no_powers_beyond_rows(app, words):
    with pytest.raises(DatabaseError, match="permission denied"):
        run(app, words)


def test_the_role_may_do_all_else_with_rows(app):
    for table in connection.introspection.django_table_names(only_existing=True):
        if table in TABLES or table == "django_migrations":
            continue
        column = first_column(app, table)
        run(app, f"UPDATE {table} SET {column} = {column} WHERE false")
        run(app, f"DELETE FROM {table} WHERE false")
    assert run(app, "SELECT nextval('orders_order_number') > 0") == [(True,)]


def test_a_whole_purchase_and_its_release_work_under_the_role(app, api):
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {ROLE}")
    try:
        reply = api.checkout(builders.a_purchase())
        assert reply.status_code == 201, reply.content
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")


def test_equipping_twice_changes_nothing_and_a_table_made_since_is_not_forgotten(app):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE made_later (id int)")
    try:
        with pytest.raises(ProgrammingError, match="permission denied"):
            run(app, "SELECT * FROM made_later")
        equip(connection, ROLE)
        equip(connection, ROLE)
        assert run(app, "SELECT * FROM made_later") == []
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE made_later")


def test_a_database_that_was_migrated_only_so_far_is_no_obstacle(app):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_ledgerline RENAME TO not_there_yet")
    try:
        equip(connection, ROLE)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE not_there_yet RENAME TO payments_ledgerline")
    equip(connection, ROLE)


def test_migrating_leaves_the_role_for_its_own_work_and_takes_it_up_again(app, settings):
    settings.DATABASE_ROLE = ROLE
    connection.close()
    connection.settings_dict["OPTIONS"]["role"] = ROLE
    try:
        call_command("migrate", verbosity=0)
        assert run(connection, "SELECT current_user") == [(ROLE,)]
    finally:
        connection.settings_dict["OPTIONS"]["role"] = ""
        connection.close()


@pytest.fixture
def login(transactional_db):
    """Makes logins that may pass on what they may do with tables, and connects as them."""
    with ExitStack() as ending:

        def connect(name, options=""):
            with connection.cursor() as cursor:
                cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'for-tests' {options}")
                for grant in PASSED_ON:
                    cursor.execute(grant.format(name))
            ending.callback(run, connection, f"DROP OWNED BY {name}")
            line = connections.create_connection("default")
            line.settings_dict = {**line.settings_dict, "USER": name, "PASSWORD": "for-tests"}
            ending.callback(line.close)
            return line

        yield connect
    with connection.cursor() as cursor:
        for name in ("made_by_an_owner", "somebody_elses", "small_owner", "big_owner"):
            cursor.execute(f"DROP ROLE IF EXISTS {name}")


PASSED_ON = (
    "GRANT ALL ON ALL TABLES IN SCHEMA public TO {} WITH GRANT OPTION",
    "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {} WITH GRANT OPTION",
    "GRANT USAGE ON SCHEMA public TO {} WITH GRANT OPTION",
)


def test_a_login_that_may_make_no_role_is_told_the_sql(login):
    with pytest.raises(CommandError, match="CREATE ROLE nobody_made_it NOLOGIN; GRANT"):
        migrate._equip(login("small_owner"), "nobody_made_it")


def test_a_role_that_a_login_may_not_become_is_noticed_when_migrating(login):
    run(connection, "CREATE ROLE somebody_elses NOLOGIN")

    with pytest.raises(CommandError, match="not become, the role somebody_elses"):
        migrate._equip(login("small_owner"), "somebody_elses")


def test_a_login_that_may_make_roles_makes_this_one_and_can_become_it(login):
    owner = login("big_owner", "CREATEROLE")
    migrate._equip(owner, "made_by_an_owner")
    migrate._equip(owner, "made_by_an_owner")

    run(owner, "SET ROLE made_by_an_owner")
    privileges = "SELECT has_table_privilege('payments_ledgerline', %s)"
    with owner.cursor() as cursor:
        found = [cursor.execute(privileges, [name]).fetchone()[0] for name in ("INSERT", "UPDATE")]
    run(owner, "RESET ROLE")
    run(owner, "DROP OWNED BY made_by_an_owner")
    assert found == [True, False]

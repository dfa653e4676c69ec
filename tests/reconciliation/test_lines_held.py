"""A day is compared on lines that stay as they are, by a role that may only add to them."""

import threading

import pytest
from django.db import connection, transaction

from foundation import clock
from foundation.postgres.privileges import equip
from reconciliation import accounts, runs
from reconciliation.ingestion import ImportInProgress
from tests.reconciliation.books import BEGIN, DAY, END, HOUR, Line, Step, Story, write
from tests.reconciliation.reports import bring, report, row

pytestmark = pytest.mark.django_db(transaction=True)
ROLE = "checkout_app"
NOW = (BEGIN, END)


@pytest.fixture
def _as_the_shop():
    """The default connection, in the role that the shop's processes have."""
    equip(connection, ROLE)
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {ROLE}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


@pytest.fixture(autouse=True)
def _the_day_is_over():
    clock.move(END + 5 * HOUR - clock.now())


@pytest.mark.usefixtures("_as_the_shop")
def test_the_shops_role_brings_a_report_and_compares_the_day():
    bring(report(row(1)), window=NOW)
    write(Story([Step("capture", 1000)], [Line("charge", 900)]))

    run = runs.reconcile(account="stripe", day=DAY, by="test")

    assert run.state == "completed", run.error
    assert {each["kind"] for each in run.counts["found"]} >= {"amount_mismatch"}


def elsewhere(work):
    """Do it on a connection of its own; what it raised, if it did."""
    raised = []

    def do():
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            raised.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=do)
    thread.start()
    thread.join()
    return raised


def test_while_a_day_is_compared_no_report_comes_in():
    with transaction.atomic():
        accounts.hold_lines("stripe")
        raised = elsewhere(lambda: bring(report(row(1)), window=NOW))

    assert [type(error) for error in raised] == [ImportInProgress]
    assert elsewhere(lambda: bring(report(row(1)), window=NOW)) == []


def test_the_reports_of_another_account_do_not_wait_for_it(settings):
    settings.RECONCILIATION_ACCOUNTS = {
        name: {"time_zone": "UTC"} for name in ("stripe", "another")
    }
    with transaction.atomic():
        accounts.hold_lines("another")
        raised = elsewhere(lambda: bring(report(row(1)), window=NOW))

    assert raised == []


def test_a_run_waits_for_the_report_that_is_coming_in():
    """Whose lines it would else pass over: they are older than its newest and not seen by it."""
    write(Story())
    began, done = threading.Event(), threading.Event()

    def compare():
        began.set()
        runs.reconcile(account="stripe", day=DAY, by="test")
        done.set()
        connection.close()

    thread = threading.Thread(target=compare)
    with transaction.atomic():
        assert accounts.may_add_lines("stripe")
        thread.start()
        began.wait()
        assert not done.wait(1.0)
    thread.join()
    assert done.is_set()

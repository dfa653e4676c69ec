"""What people, keys and files must not get away with, and what garbage must not bring down."""

import datetime as dt

import pytest

from foundation import clock
from foundation.edge.authentication import create_key
from foundation.errors import InvalidInput
from foundation.models import ApiClient
from payments.processors.base import ProcessorTransaction
from reconciliation import collection, handling, representations, runs
from reconciliation.models import ReconciliationBreak, SettlementReport
from reconciliation.readers.base import MalformedReport
from reconciliation.readers.cells import category_of
from reconciliation.refusals import SecondPersonNeeded
from tests import builders
from tests.conftest import Api
from tests.reconciliation.books import BEGIN, DAY, END, HOUR, Line, Story, write
from tests.reconciliation.reports import bring, report, row
from tests.stories import world
from tests.stories.test_staff import somebody

CHANGELIST = "/admin/reconciliation/reconciliationbreak/"


@pytest.fixture
def breaks(transactional_db):
    """Three breaks of 60.00 USD each, which one person may write off alone, one by one."""
    clock.move(END + 5 * HOUR - clock.now())
    write(*(Story(theirs=[Line("charge", 6_000)], is_known=False) for _ in range(3)))
    runs.reconcile(account="stripe", day=DAY, by="test")
    return list(ReconciliationBreak.objects.order_by("pk"))


@pytest.fixture
def books(transactional_db):
    """A key that sees all."""
    _, key = builders.a_client(sees_all=True)
    return Api(key)


# --- four eyes ----------------------------------------------------------------------------------


def test_much_money_in_small_parts_is_not_written_off_by_one_person_either(breaks):
    first, second, third = breaks
    handling.write_off(first.pk, by="staff:ana", reason="gone")

    with pytest.raises(SecondPersonNeeded):
        handling.write_off(second.pk, by="staff:ana", reason="gone")

    handling.write_off(second.pk, by="staff:ben", reason="gone")
    clock.move(dt.timedelta(hours=25))
    assert handling.write_off(third.pk, by="staff:ana", reason="gone").state == "written_off"


def test_a_key_is_no_second_person(breaks):
    ReconciliationBreak.objects.update(amount=10_000)
    handling.take(breaks[0].pk, by="staff:ana", reason="mine")

    with pytest.raises(SecondPersonNeeded):
        handling.write_off(breaks[0].pk, by="api:shop", reason="gone")


def test_what_is_written_off_is_what_was_seen(breaks):
    ben = somebody("ben", "write_off_break")
    address = f"{CHANGELIST}{breaks[0].pk}/act/write_off/"
    token = ben.client.get(address).context["form"].initial["token"]
    ReconciliationBreak.objects.update(amount=9_999)

    ben.client.post(address, {"token": token, "reason": "little"})

    breaks[0].refresh_from_db()
    assert breaks[0].state == "open"


# --- over the API -------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_of_no_calendar_of_ours_is_422(books, settings, zone, day):
    settings.RECONCILIATION_ACCOUNTS = {"stripe": {"time_zone": zone}}

    reply = books.post("/v1/reconciliation-runs", {"day": day}, key=builders.a_key())

    assert (reply.status_code, reply.json()["code"]) == (422, "invalid_request")


def test_a_client_may_have_as_long_a_name_as_there_is(breaks):
    client = ApiClient.objects.create(name="x" * 120)
    key = create_key(client, scopes=["reconciliation:write"], sees_all=True)

    reply = Api(key).post("/v1/reconciliation-runs", {"day": "2026-03-10"}, key=builders.a_key())

    assert reply.status_code == 202, reply.content


def test_a_request_that_died_is_answered_although_it_was_settled_once_more_meanwhile(
    books, breaks, monkeypatch
):
    key, path = builders.a_key(), f"/v1/reconciliation-breaks/{breaks[0].reference}/resolve"
    with monkeypatch.context() as dying:
        dying.setattr(representations, "break_", die)
        with pytest.raises(world.ProcessDied):
            books.post(path, {"reason": "seen to"}, key=key)
    handling.reopen(breaks[0].pk, by="staff:ana", reason="it was another")
    handling.resolve(breaks[0].pk, by="staff:ana", reason="now it is right")
    world.later()
    world.sweep_only("reconciliation.tasks.recover_actions")

    reply = books.post(path, {"reason": "seen to"}, key=key)

    assert (reply.status_code, reply.json()["status"]) == (200, "resolved")


def die(row):
    raise world.ProcessDied


def test_a_reopened_break_is_not_said_to_be_settled_because_of_anything(breaks):
    handling.resolve(breaks[0].pk, by="staff:ana", reason="all is well")

    runs.reconcile(account="stripe", day=DAY, by="test")

    breaks[0].refresh_from_db()
    assert (breaks[0].state, breaks[0].settled_reason) == ("reopened", "")


# --- reports ------------------------------------------------------------------------------------


def test_a_report_does_not_tell_of_a_time_that_has_not_come(transactional_db):
    clock.move(BEGIN + 15 * HOUR - clock.now())

    with pytest.raises(InvalidInput):
        bring(report(row(1)), window=(BEGIN, END))

    assert not SettlementReport.objects.exists()


def test_a_line_of_a_time_that_has_not_come_is_no_line(transactional_db):
    clock.move(BEGIN + 15 * HOUR - clock.now())

    with pytest.raises(MalformedReport):
        bring(report(row(1), row(2, created="2027-03-10T09:00:00Z")))


def test_a_charge_that_failed_days_later_is_taken_back():
    assert category_of("charge_failure") == "partial_capture_reversal"


def test_a_currency_that_the_house_does_not_know_is_no_line_either_way():
    told = ProcessorTransaction(
        external_id="txn_1", category="charge", currency="XYZ", gross=100, fee=0, net=100,
        created_at=BEGIN, available_on=None, source_id="", processor_reference="pi_1",
        reference="", payout_id="", raw={},
    )  # fmt: skip

    with pytest.raises(MalformedReport):
        collection._line(told)


# --- garbage in the desk's addresses ------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    ["q=%00", "account=%00", "p=999", "p=x", "state=%00", "o=9.9", "account__foo=1", "e=1"],
)
@pytest.mark.parametrize("where", ["", "export/"])
def test_garbage_in_an_address_of_the_desk_is_never_500(breaks, where, query):
    reply = somebody("ana").client.get(f"{CHANGELIST}{where}?{query}")

    assert reply.status_code < 500

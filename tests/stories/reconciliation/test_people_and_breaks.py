"""Breaks over the API and in people's hands: read, taken, settled with a reason, on record."""

import pytest

from events.models import OutboxEvent
from foundation import clock
from foundation.metrics import exposition
from foundation.models import AuditEntry
from reconciliation import handling, repair, representations, runs
from reconciliation.models import ReconciliationBreak, ReconciliationRun
from reconciliation.refusals import BreakNotOpen, SecondPersonNeeded
from tests import builders
from tests.at_the_processor import Dashboard
from tests.conftest import Api
from tests.reconciliation.books import DAY, END, HOUR, Line, Story, write
from tests.stories import world


@pytest.fixture
def books(shop):
    """A key that sees all."""
    _, key = builders.a_client(sees_all=True)
    return Api(key)


@pytest.fixture
def a_break(transactional_db):
    """100.00 USD taken there, and known to nobody here."""
    clock.move(END + 5 * HOUR - clock.now())
    write(Story(theirs=[Line("charge", 10_000)], is_known=False))
    runs.reconcile(account="stripe", day=DAY, by="test")
    return ReconciliationBreak.objects.get()


def settle(books, row, *, key=None, **body):
    path = f"/v1/reconciliation-breaks/{row.reference}/resolve"
    return books.post(path, {"reason": "seen to"} | body, key=key or builders.a_key())


def start(books, *, key=None, **body):
    path = "/v1/reconciliation-runs"
    return books.post(path, {"day": "2026-03-10"} | body, key=key or builders.a_key())


# --- over the API -------------------------------------------------------------------------------


def test_a_break_is_read_with_both_sides(books, a_break):
    (seen,) = books.get("/v1/reconciliation-breaks", kind="orphan_capture", status="open").json()[
        "items"
    ]

    assert seen["amount"] == {"amount": 10_000, "currency": "USD"}
    assert seen["theirs"]["captured"] == 10_000
    assert books.get(f"/v1/reconciliation-breaks/{seen['id']}").json() == seen
    assert books.get("/v1/reconciliation-breaks", status="resolved").json()["items"] == []


def test_a_day_is_compared_by_a_worker_and_the_run_tells_of_it(books, a_break):
    reply = start(books)
    assert (reply.status_code, reply.json()["status"]) == (202, "running")

    world.play_events()

    run = books.get(reply["Location"]).json()
    assert (run["status"], run["version"], run["matched"]) == ("completed", 2, 0)
    assert run["found"][0]["kind"] == "orphan_capture"
    assert ReconciliationRun.objects.get(version=2).asked_by.startswith("api:")


def test_the_same_key_starts_one_run(books, a_break):
    key = builders.a_key()

    first, again = start(books, key=key), start(books, key=key)

    assert first.content == again.content
    assert ReconciliationRun.objects.count() == 2
    assert OutboxEvent.objects.filter(type="reconciliation.requested").count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"day": "2026-13-01"}, 422, "invalid_request"),
        ({"day": "yesterday"}, 422, "invalid_request"),
        ({"day": 20260310}, 422, "invalid_request"),
        ({"account": "nobody"}, 422, "unknown_account"),
        ({"day": "2999-01-01"}, 409, "day_not_over"),
    ],
)
def test_what_can_not_be_compared_is_refused_and_leaves_no_run(books, body, status, code):
    clock.move(END + 5 * HOUR - clock.now())

    reply = start(books, **body)

    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert not ReconciliationRun.objects.exists()


def test_a_key_of_one_client_is_told_nothing_of_everybodys_payments(api, a_break):
    for reply in (
        api.get("/v1/reconciliation-breaks"),
        api.get("/v1/reconciliation-runs"),
        start(api),
        settle(api, a_break),
    ):
        assert (reply.status_code, reply.json()["code"]) == (403, "account_wide_key_required")


def test_a_break_is_resolved_with_a_reason_on_record(books, a_break):
    key = builders.a_key()
    reply = settle(books, a_break, key=key)

    assert (reply.status_code, reply.json()["status"]) == (200, "resolved")
    assert settle(books, a_break, key=key).content == reply.content
    entry = AuditEntry.objects.get(action="break.resolve")
    assert (entry.reason, entry.actor.partition(":")[0]) == ("seen to", "api")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason": ""}, 422, "invalid_request"),
        ({"status": "open"}, 422, "invalid_request"),
        ({"status": "written_off"}, 409, "second_person_needed"),
    ],
)
def test_a_break_is_not_settled_without_what_that_needs(books, a_break, body, status, code):
    reply = settle(books, a_break, **body)

    assert (reply.status_code, reply.json()["code"]) == (status, code)
    a_break.refresh_from_db()
    assert a_break.state == "open"


def test_a_request_that_died_after_its_deed_is_answered_although_it_was_reopened_meanwhile(
    books, a_break, monkeypatch
):
    key = builders.a_key()
    with monkeypatch.context() as dying:
        dying.setattr(representations, "break_", die)
        with pytest.raises(world.ProcessDied):
            settle(books, a_break, key=key)
    handling.reopen(a_break.pk, by="staff:ana", reason="it was another")

    world.later()
    world.sweep_only("reconciliation.tasks.recover_actions")

    reply = settle(books, a_break, key=key)
    assert (reply.status_code, reply.json()["status"]) == (200, "reopened")


def die(row):
    raise world.ProcessDied


def test_what_is_settled_is_not_settled_again_by_another_request(books, a_break):
    settle(books, a_break)

    assert settle(books, a_break).json()["code"] == "break_not_open"


# --- in people's hands --------------------------------------------------------------------------


def test_much_money_is_written_off_by_another_than_whoever_took_it(a_break):
    handling.take(a_break.pk, by="staff:ana", reason="mine")
    with pytest.raises(SecondPersonNeeded):
        handling.write_off(a_break.pk, by="staff:ana", reason="gone")

    row = handling.write_off(a_break.pk, by="staff:ben", reason="gone")

    assert (row.state, row.assignee) == ("written_off", "staff:ana")


def test_little_money_is_written_off_alone(a_break, settings):
    settings.RECONCILIATION_WRITE_OFF_ALONE = 10_001

    assert handling.write_off(a_break.pk, by="staff:ana", reason="gone").state == "written_off"


def test_all_that_people_say_and_do_is_on_record_in_its_order(a_break):
    handling.take(a_break.pk, by="staff:ana", reason="mine")
    handling.comment(a_break.pk, by="staff:ana", text="asked the bank")
    handling.take(a_break.pk, by="staff:ben", reason="she is ill")
    handling.resolve(a_break.pk, by="staff:ben", reason="found it")
    handling.reopen(a_break.pk, by="staff:ana", reason="it was another")

    entries = AuditEntry.objects.filter(aggregate_id=a_break.pk).order_by("at", "pk")
    assert [(entry.action, entry.actor) for entry in entries] == [
        ("break.take", "staff:ana"),
        ("break.comment", "staff:ana"),
        ("break.take", "staff:ben"),
        ("break.resolve", "staff:ben"),
        ("break.reopen", "staff:ana"),
    ]
    a_break.refresh_from_db()
    assert (a_break.state, a_break.assignee, a_break.settled_at) == ("reopened", "", None)


def test_what_asks_for_somebody_already_is_not_reopened(a_break):
    with pytest.raises(BreakNotOpen):
        handling.reopen(a_break.pk, by="staff:ana", reason="again")


# --- mended without a person --------------------------------------------------------------------


def test_a_status_that_lags_is_brought_in_line_when_the_processor_confirms_it(api, shop, order):
    Dashboard(shop).capture(order.payment, 4298)
    row = a_break_of(order, "status_mismatch")

    assert repair.repair(account="stripe") == 1

    order.payment.refresh_from_db()
    assert order.payment.state == "captured"
    assert AuditEntry.objects.get(action="break.repair").aggregate_id == row.pk


def test_a_hold_that_no_order_wants_is_released(shop):
    built = builders.a_checkout_at(payment_state="authorized", state="in_review")
    payment = held_at_the_processor(built.payment)
    type(built).objects.update(state="failed")
    a_break_about(payment, "orphan_authorization")

    repair.repair(account="stripe")

    payment.refresh_from_db()
    assert payment.state == "voided"
    assert shop.holds(payment.reference) == []


def test_a_hold_that_an_order_or_a_checkout_wants_is_kept(shop):
    built = builders.a_checkout_at(payment_state="authorized", state="in_review")
    payment = held_at_the_processor(built.payment)
    a_break_about(payment, "orphan_authorization")

    assert repair.repair(account="stripe") == 1

    payment.refresh_from_db()
    assert payment.state == "authorized"


@pytest.mark.parametrize(
    "kind", ["missing_at_processor", "refund_missing_remote", "duplicate_charge", "fee_mismatch"]
)
def test_nothing_else_is_mended_without_a_person(order, kind):
    a_break_of(order, kind)

    assert repair.repair(account="stripe") == 0


def test_no_more_are_mended_in_a_day_than_is_allowed_and_each_once(order, settings):
    a_break_of(order, "status_mismatch")
    settings.RECONCILIATION_REPAIRS_PER_DAY = 0
    assert repair.repair(account="stripe") == 0
    settings.RECONCILIATION_REPAIRS_PER_DAY = 5

    assert repair.repair(account="stripe") == 1
    assert repair.repair(account="stripe") == 0


def test_what_a_person_has_taken_is_left_to_him(order):
    row = a_break_of(order, "status_mismatch")
    handling.take(row.pk, by="staff:ana", reason="mine")

    assert repair.repair(account="stripe") == 0


@pytest.fixture
def order(api):
    return world.an_order(api)


def held_at_the_processor(payment):
    """Its authorization, as a run that died after it left it."""
    processor = world.processors.processor("stripe")
    seen = processor.authorize(
        reference=payment.reference,
        amount=payment.amount,
        currency=payment.currency,
        payment_method="pm_card_visa",
        key=builders.a_key(),
        metadata={},
    )
    payment.processor_reference = seen.processor_reference
    payment.authorized_amount = payment.amount
    payment.save(update_fields=["processor_reference", "authorized_amount"])
    payment.transactions.create(
        kind="authorization",
        succeeded=True,
        amount=payment.amount,
        currency=payment.currency,
        actor="test",
    )
    return payment


def a_break_of(order, kind):
    return a_break_about(order.payment, kind)


def a_break_about(payment, kind):
    return ReconciliationBreak.objects.create(
        account="stripe",
        kind=kind,
        fingerprint=f"{kind}:{payment.pk}",
        amount=payment.amount,
        currency=payment.currency,
        payment_id=payment.pk,
        processor_reference=payment.processor_reference,
        began_at=payment.created_at,
    )


# --- how severe ---------------------------------------------------------------------------------


def test_severity_is_money_times_days_in_the_list_the_api_and_the_metrics(books, a_break):
    clock.move(10 * 24 * HOUR)
    young = ReconciliationBreak.objects.create(
        account="stripe", kind="late_event", fingerprint="young", amount=50_000, currency="USD",
        began_at=clock.now(),
    )  # fmt: skip

    seen = books.get("/v1/reconciliation-breaks", sort="severity").json()["items"]

    days = (clock.now() - a_break.began_at).days + 1
    assert [(each["id"], each["severity"]) for each in seen] == [
        (a_break.reference, 10_000 * days),
        (young.reference, 50_000),
    ]
    rows = ReconciliationBreak.objects.with_severity()
    assert {row.severe for row in rows} == {10_000.0 * days, 50_000.0}
    gauge = (
        f'reconciliation_breaks_open_severity{{currency="USD",kind="orphan_capture"}} {days}0000'
    )
    told = exposition().decode()
    assert gauge in told, [line for line in told.splitlines() if "severity" in line]


@pytest.mark.parametrize("query", [{"sort": "age"}, {"sort": "severity", "cursor": "brk_x"}])
def test_what_breaks_can_not_be_sorted_by_is_refused(books, query):
    assert books.get("/v1/reconciliation-breaks", **query).status_code == 422

"""Staff see what the processor told, what it came to, and which dispute is due next."""

import datetime as dt

import pytest

from events.models import OutboxEvent
from foundation import cases, clock
from foundation.models import AuditEntry, Case
from payments.models import Dispute, Payment, ProcessorEvent
from tests import builders
from tests.stories import world
from tests.stories.test_staff import somebody


@pytest.fixture
def given_up(api, courier, dashboard):
    """An event that no payment of ours was known for, for too long."""
    world.an_order(api)
    courier.send_all(dashboard.foreign_payment()["id"], "payment_intent.succeeded")
    world.drive_everything(rounds=3, seconds=20 * 3600)
    row = ProcessorEvent.objects.get()
    assert row.state == "dead"
    return row


def test_a_given_up_event_is_tried_again_by_who_may_on_the_record(given_up):
    clerk = somebody("clerk", "retry_processorevent")
    token = clerk.form("payments_processorevent_retry", given_up)

    clerk.send("payments_processorevent_retry", given_up, token=token, reason="order was imported")

    given_up.refresh_from_db()
    assert (given_up.state, given_up.ended_at) == ("parked", None)
    entry = AuditEntry.objects.get(action="processor_event.retry")
    assert (entry.reason, entry.before["state"]) == ("order was imported", "dead")
    told = OutboxEvent.objects.filter(type="processor_event.received", state="pending")
    assert [event.payload["processor_event_id"] for event in told] == [str(given_up.pk)]


def test_a_form_counts_once_and_needs_a_reason(given_up):
    clerk = somebody("clerk", "retry_processorevent")
    route = "payments_processorevent_retry"
    token = clerk.form(route, given_up)
    assert clerk.send(route, given_up, token=token, reason="")[0] == 422
    clerk.send(route, given_up, token=token, reason="once")

    _, page = clerk.send(route, given_up, token=token, reason="twice")

    assert "Nothing was done" in page
    assert AuditEntry.objects.filter(action="processor_event.retry").count() == 1


def test_without_the_permission_there_is_no_button_and_no_way(given_up):
    viewer = somebody("viewer")

    assert "Try again" not in viewer.page("payments_processorevent_change", given_up.pk)
    assert viewer.get("payments_processorevent_retry", given_up.pk).status_code == 403


def test_the_page_of_an_event_says_why_it_waits(given_up):
    page = somebody("viewer").page("payments_processorevent_change", given_up.pk)

    assert given_up.external_id in page
    assert "no payment of ours is known" in page
    assert "parked → dead" in page


def test_a_given_up_event_is_a_case_until_it_is_followed(given_up):
    case = Case.objects.get(kind="processor_event_dead")
    assert (case.aggregate_id, case.state) == (given_up.pk, "open")

    cases.act(case.pk, verb="retry", by="staff:ana", reason="imported the order")
    given_up.refresh_from_db()
    assert given_up.state == "parked"
    world.drive_everything()
    case.refresh_from_db()
    assert (case.state, case.tries) == ("open", 2), "it was given up again"

    ProcessorEvent.objects.update(processor_reference=Payment.objects.get().processor_reference)
    cases.act(case.pk, verb="retry", by="staff:ana", reason="it was entered by hand")
    world.drive_everything()
    cases.resolve_healed(limit=10)
    case.refresh_from_db()
    assert case.state == "resolved"


def test_disputes_are_listed_with_what_is_due_next_first(shop):
    payment = builders.PaymentFactory(state="captured")
    for number, (state, days) in enumerate([("won", 1), ("open", 9), ("open", 2), ("open", -1)]):
        due = clock.now() + dt.timedelta(days=days)
        builders.DisputeFactory(payment=payment, sequence=number, state=state, evidence_due_by=due)

    page = somebody("viewer").page("payments_dispute_changelist")

    shown = [page.index(Dispute.objects.get(sequence=n).reference) for n in (3, 2, 1, 0)]
    assert shown == sorted(shown)
    assert ">over<" in page


def test_a_payment_shows_its_disputes_and_what_was_told_of_it(api, courier, dashboard):
    payment = world.an_order(api).payment
    world.play_events()
    dashboard.dispute(Payment.objects.get())
    courier.send_all(Payment.objects.get())
    world.play_events()

    page = somebody("viewer").page("payments_payment_change", payment.pk)

    assert Dispute.objects.get().reference in page
    assert "charge.dispute.created" in page


def test_a_dispute_has_a_page(api, courier, dashboard):
    world.an_order(api)
    world.play_events()
    dashboard.dispute(Payment.objects.get(), reason="product_not_received")
    courier.send_all(Payment.objects.get(), "charge.dispute.created")
    world.play_events()

    page = somebody("viewer").page("payments_dispute_change", Dispute.objects.get().pk)

    assert "product_not_received" in page
    assert "chargeback" in page

"""What is stuck, why, since when; and set going again by a person, with a reason, on record."""

from contextlib import suppress
from smtplib import SMTPServerDisconnected

import pytest
from django.core.mail.backends.locmem import EmailBackend
from django.urls import reverse

from events.models import OutboxEvent
from foundation.models import AuditEntry, IdempotencyKey
from orders.models import Checkout, Notification, Order
from tests.stories import world
from tests.stories.test_staff import somebody


@pytest.fixture
def ana(shop):
    """At the desk."""
    return somebody("ana", "handle_case")


@pytest.fixture
def viewer(shop):
    """May only look."""
    return somebody("viewer")


@pytest.fixture
def dead(api):
    """An event that the relay gave up."""
    world.an_order(api)
    fact = OutboxEvent.objects.filter(type="order.placed").get()
    OutboxEvent.objects.filter(pk=fact.pk).update(
        state="dead", attempts=10, last_error="ValueError: no such chain"
    )
    return fact


@pytest.fixture
def stuck(api, shop):
    """A checkout whose answer was lost, and whose lease died long ago."""
    shop.fault("create", "timeout_after")
    assert api.checkout().status_code == 202
    world.later(3600)
    return Checkout.objects.exclude(state="completed").get()


def act(person, route, row, reason="looked at it"):
    return person.send(route, row, token=person.form(route, row), reason=reason)


def test_a_dead_event_says_why_and_is_told_again_with_a_reason(ana, dead):
    page = ana.page("events_outboxevent_change", dead.pk)
    assert "no such chain" in page

    _, page = act(ana, "events_outboxevent_retry", dead)

    assert "The relay tries it again" in page
    dead.refresh_from_db()
    assert (dead.state, dead.attempts) == ("retrying", 0)
    entry = AuditEntry.objects.get(action="outbox_event.retry")
    assert (entry.actor, entry.reason, entry.aggregate_id) == (
        "staff:ana", "looked at it", dead.pk,
    )  # fmt: skip
    world.play_events()
    assert OutboxEvent.objects.get(pk=dead.pk).state == "sent"


def test_the_same_form_twice_revives_an_event_once(ana, dead):
    token = ana.form("events_outboxevent_retry", dead)
    for _ in range(2):
        ana.send("events_outboxevent_retry", dead, token=token, reason="go")

    assert AuditEntry.objects.filter(action="outbox_event.retry").count() == 1


def test_an_event_that_is_not_dead_is_left_alone(ana, dead):
    OutboxEvent.objects.update(state="sent")

    reply = ana.get("events_outboxevent_retry", dead.pk)

    assert reply.status_code == 302
    assert "/retry/" not in ana.page("events_outboxevent_change", dead.pk)
    assert not AuditEntry.objects.exists()


def test_a_stuck_checkout_is_listed_says_since_when_and_is_taken_up(ana, stuck, shop):
    assert stuck.reference in ana.page("orders_checkout_changelist", unended="stuck")
    page = ana.page("orders_checkout_change", stuck.pk)
    assert "nobody is at work on it since" in page

    _, page = act(ana, "orders_checkout_resume", stuck)

    stuck.refresh_from_db()
    assert stuck.ended_at is not None, stuck.state
    assert f"It is {stuck.state} now." in page
    assert Order.objects.count() == len(shop.holds(stuck.payment.reference))
    entry = AuditEntry.objects.get(action="checkout.resume")
    assert (entry.actor, entry.reason) == ("staff:ana", "looked at it")
    assert stuck.reference not in ana.page("orders_checkout_changelist", unended="stuck")


def test_a_checkout_at_work_is_not_taken_from_who_works_on_it(ana, api, shop):
    shop.fault("create", "timeout_after")
    api.checkout()
    checkout = Checkout.objects.get()
    before = IdempotencyKey.objects.get(subject_id=checkout.pk).lease_token

    assert ana.get("orders_checkout_resume", checkout.pk).status_code == 302

    assert IdempotencyKey.objects.get(subject_id=checkout.pk).lease_token == before
    assert not AuditEntry.objects.exists()
    assert checkout.reference in ana.page("orders_checkout_changelist", unended="yes")
    assert checkout.reference not in ana.page("orders_checkout_changelist", unended="stuck")


def test_who_may_only_look_starts_nothing(viewer, dead, stuck):
    for route, row in (("events_outboxevent_retry", dead), ("orders_checkout_resume", stuck)):
        address = reverse(f"admin:{route}", args=[row.pk])
        assert viewer.client.get(address).status_code == 403
        assert viewer.client.post(address, {"reason": "x"}).status_code == 403
    assert OutboxEvent.objects.get(pk=dead.pk).state == "dead"


def test_a_checkout_whose_runners_die_is_told_to_be_parked_and_not_to_wait(ana, stuck, settings):
    IdempotencyKey.objects.filter(subject_id=stuck.pk).update(crashes=settings.CRASHES_MAX)
    world.sweep_only("recover_checkouts")

    page = ana.page("orders_checkout_change", stuck.pk)

    assert f"parked: {settings.CRASHES_MAX} runners died on it in a row" in page
    assert "waits until" not in page
    keys = ana.page("foundation_idempotencykey_changelist", stuck="parked")
    assert f"{settings.CRASHES_MAX} runners died on it" in keys
    assert "1 idempotency key" in keys


def test_a_mail_that_fails_is_counted_listed_and_says_why(ana, api, monkeypatch):
    def away(self, messages):
        raise SMTPServerDisconnected("the mail server is away")

    monkeypatch.setattr(EmailBackend, "send_messages", away)
    order = world.an_order(api)
    with suppress(SMTPServerDisconnected):
        world.play_events()
    mail = Notification.objects.get()

    assert "<strong>1</strong> <span>e-mails that fail</span>" in ana.page("index")
    page = ana.page("orders_notification_changelist", state="failing")
    assert "the mail server is away" in page
    assert order.public_number in page
    assert "the mail server is away" in ana.page("orders_notification_change", mail.pk)
    for term in (order.reference, order.checkout.reference, order.email[:9].upper()):
        assert "1 notification" in ana.page("orders_notification_changelist", q=term), term
    assert order.public_number not in ana.page("orders_notification_changelist", state="sent")

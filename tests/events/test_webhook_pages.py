"""Staff see who is told what and what is stuck; what they do is permitted, reasoned, on record."""

import re

import pytest
from standardwebhooks import Webhook

from events.models import WebhookDelivery, WebhookEndpoint
from foundation.models import AuditEntry
from tests.events.conftest import deliver, publish
from tests.events.receiver import answer
from tests.stories.test_staff import somebody

ENDPOINT, DELIVERY = "events_webhookendpoint", "events_webhookdelivery"


@pytest.fixture
def failed(subscriber, receiver):
    """A delivery that was answered 500, and waits."""
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    receiver.answers = [answer(500, b"<b>broken</b>")]
    deliver()
    return WebhookDelivery.objects.get()


@pytest.fixture
def clerk(transactional_db):
    return somebody("clerk", "operate_webhooks")


def test_the_list_of_what_is_stuck_says_why(failed, subscriber, receiver):
    subscriber.happened("order.canceled")
    deliver()
    viewer = somebody("viewer")

    stuck = viewer.page(f"{DELIVERY}_changelist", stuck="yes")

    assert failed.reference in stuck
    assert "it answered 500" in stuck
    assert WebhookDelivery.objects.get(state="sent").reference not in stuck


def test_the_page_of_a_delivery_shows_each_try_and_escapes_what_was_answered(failed):
    page = somebody("viewer").page(f"{DELIVERY}_change", failed.pk)

    assert "&lt;b&gt;broken" in page
    assert "it answered 500" in page


def test_no_page_shows_a_secret(failed):
    row = WebhookEndpoint.objects.get()
    page = somebody("viewer").page(f"{ENDPOINT}_change", row.pk)

    assert "whsec_" not in page
    assert "it answered 500" in page


def test_who_only_may_look_may_do_nothing(failed):
    viewer = somebody("viewer")

    assert "Send again" not in viewer.page(f"{DELIVERY}_change", failed.pk)
    assert viewer.get(f"{DELIVERY}_again", failed.pk).status_code == 403
    assert viewer.send(f"{DELIVERY}_again", failed, reason="x", token="x")[0] == 403


def test_a_delivery_is_sent_again_by_a_person_once_however_often_the_form_is_sent(
    failed, clerk, receiver
):
    token = clerk.form(f"{DELIVERY}_again", failed)
    assert clerk.send(f"{DELIVERY}_again", failed, reason="", token=token)[0] == 422

    _, first = clerk.send(f"{DELIVERY}_again", failed, reason="they fixed it", token=token)
    _, second = clerk.send(f"{DELIVERY}_again", failed, reason="they fixed it", token=token)

    assert "sent again" in first
    assert "Nothing was done" in second
    assert deliver() == 1
    entry = AuditEntry.objects.get(aggregate="webhookdelivery")
    assert (entry.actor, entry.reason) == ("staff:clerk", "they fixed it")


def test_an_endpoint_is_disabled_and_enabled_by_a_person_and_both_are_on_record(failed, clerk):
    row = WebhookEndpoint.objects.get()
    for slug, state in (("disable", "disabled"), ("enable", "enabled")):
        token = clerk.form(f"{ENDPOINT}_{slug}", row)
        clerk.send(f"{ENDPOINT}_{slug}", row, reason="maintenance", token=token)
        row.refresh_from_db()
        assert row.state == state
        assert "maintenance" not in row.disabled_reason, "its client sees it"

    page = clerk.page(f"{ENDPOINT}_change", row.pk)
    assert page.count("maintenance") == 2
    assert AuditEntry.objects.filter(actor="staff:clerk", reason="maintenance").count() == 2


def test_a_secret_that_a_person_rotates_is_shown_once_and_signs(failed, clerk, receiver):
    row = WebhookEndpoint.objects.get()
    token = clerk.form(f"{ENDPOINT}_rotate", row)

    status, page = clerk.send(f"{ENDPOINT}_rotate", row, reason="it leaked", token=token)
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", page)[0]
    repeated = clerk.send(f"{ENDPOINT}_rotate", row, reason="it leaked", token=token)

    assert status == 200
    assert "whsec_" not in repeated[1]
    WebhookDelivery.objects.update(due_at=row.created_at)
    deliver()
    Webhook(secret).verify(receiver.heard[-1].body, receiver.heard[-1].headers)


def test_what_is_about_to_be_sent_has_no_button(subscriber, receiver, clerk):
    subscriber.subscribe(receiver.url)
    subscriber.happened()
    publish()
    row = WebhookDelivery.objects.get()

    assert "Send again" not in clerk.page(f"{DELIVERY}_change", row.pk)
    assert clerk.get(f"{DELIVERY}_again", row.pk).status_code == 302

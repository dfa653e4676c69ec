"""The order page is the whole story on one screen, each entry linked; notes are kept with it."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from events.models import OutboxEvent, WebhookDelivery, WebhookEndpoint
from foundation.models import AuditEntry, Case
from tests import builders
from tests.stories import world
from tests.stories.test_staff import Staff, somebody


@pytest.fixture
def root(shop):
    """A superuser."""
    return Staff(User.objects.create_superuser("root", password="x"))


@pytest.fixture
def ana(shop):
    """At the desk."""
    return somebody("ana", "handle_case")


@pytest.fixture
def order(api):
    """A paid order, of which a dollar was given back."""
    order = world.an_order(api)
    world.play_events()
    path = f"/v1/payments/{order.payment.reference}/refunds"
    given = {"amount": {"amount": 100, "currency": "USD"}}
    assert api.post(path, given, key=builders.a_key()).status_code == 201
    return order


def page_of(route, pk):
    return reverse(f"admin:{route}_change", args=[pk])


def test_one_timeline_merges_all_that_is_known_and_links_it(root, order):
    told = builders.ProcessorEventFactory(payment=order.payment)
    case = Case.objects.create(
        kind="order_unpaid", aggregate="order", aggregate_id=order.pk, title="unpaid",
        owner="role:operations", due_at=order.placed_at,
    )  # fmt: skip

    endpoint = WebhookEndpoint.objects.create(
        client_id=order.client_id, url="https://shop.example/", event_types=["*"], secret=b"s" * 32
    )
    placed = OutboxEvent.objects.get(type="order.placed")
    hook = WebhookDelivery.objects.create(endpoint=endpoint, event=placed, state="dead")

    page = root.page("orders_order_change", order.pk)
    story = page.partition('<ol class="timeline">')[2]

    for text in (
        "reserved", "authorization succeeded", "capture succeeded", "refund succeeded",
        "payment: authorizing → authorized", "refund: pending → succeeded", "order.placed",
        "order placed", told.type.replace("_", " "), "case: unpaid",
        "order.placed to https://shop.example/",
    ):  # fmt: skip
        assert text in story, text
    for address in (
        page_of("payments_payment", order.payment_id),
        page_of("payments_processorevent", told.pk),
        page_of("foundation_case", case.pk),
        page_of("events_webhookdelivery", hook.pk),
    ):
        assert f'href="{address}"' in story, address


def test_a_client_is_told_neither_rows_nor_what_staff_see(api, order):
    builders.ProcessorEventFactory(payment=order.payment)
    entries = api.get(f"/v1/orders/{order.reference}/timeline").json()["items"]

    assert {kind for entry in entries for kind in entry} <= {
        "at", "kind", "what", "actor", "amount", "currency", "state",
    }  # fmt: skip
    assert "told" not in {entry["kind"] for entry in entries}


def test_the_page_says_how_long_a_hold_lasts_and_what_then(root, api, settings):
    settings.SETTLEMENT_POLICY = "manual"
    order = world.an_order(api)
    world.play_events()

    page = root.page("orders_order_change", order.pk)

    assert "Hold lasts" in page
    assert "asked for anew" in page


def test_a_note_is_kept_once_with_its_writer_and_stands_on_the_page(ana, order):
    token = ana.form("orders_order_note", order)
    for _ in range(2):
        ana.send("orders_order_note", order, token=token, reason="will call back on Monday")

    entry = AuditEntry.objects.get(action="order.note")
    assert (entry.actor, entry.reason) == ("staff:ana", "will call back on Monday")
    page = ana.page("orders_order_change", order.pk)
    assert 'data-name="Note">will call back on Monday' in page


def test_an_address_and_an_id_in_the_story_can_be_copied(root, order):
    endpoint = WebhookEndpoint.objects.create(
        client_id=order.client_id, url="https://shop.example/my_hook", event_types=["*"],
        secret=b"s" * 32,
    )  # fmt: skip
    placed = OutboxEvent.objects.get(type="order.placed")
    WebhookDelivery.objects.create(endpoint=endpoint, event=placed, state="dead")
    Case.objects.create(
        kind="order_unpaid", aggregate="order", aggregate_id=order.pk,
        title=f"{order.reference} is unpaid", owner="role:operations", due_at=order.placed_at,
    )  # fmt: skip

    story = root.page("orders_order_change", order.pk).partition('<ol class="timeline">')[2]

    assert "https://shop.example/my_hook" in story
    assert f"case: {order.reference} is unpaid" in story


def test_the_payments_own_page_says_who_moved_it_and_why(ana, root, api, settings):
    settings.SETTLEMENT_POLICY = "manual"
    order = world.an_order(api)
    Permission.objects.get(codename="void_payment").user_set.add(ana.user)
    Staff(ana.user).void(order.payment, reason="ordered twice")

    story = root.page("payments_payment_change", order.payment_id).partition("timeline")[2]

    assert "staff:ana" in story
    assert "“ordered twice”" in story
    told = api.get(f"/v1/payments/{order.payment.reference}/timeline").json()["items"]
    assert {"staff:ana", "ordered twice"}.isdisjoint(
        str(value) for entry in told for value in entry.values()
    )
    assert {key for entry in told for key in entry} == {"at", "kind", "what", "actor"}


def test_the_newest_entry_of_the_record_stands_first_whatever_its_id(ana, root, order):
    ana.send(
        "orders_order_note", order, token=ana.form("orders_order_note", order), reason="a note"
    )  # its id is made from the form: it is no time
    AuditEntry.objects.create(
        actor="staff:ana", action="look", aggregate="order", aggregate_id=order.pk, reason="later"
    )

    page = root.page("foundation_auditentry_changelist")

    assert page.index("later") < page.index("a note")


def test_what_waits_for_a_person_stands_above_everything_else(root, order):
    quiet = root.page("orders_order_change", order.pk)
    case = Case.objects.create(
        kind="dispute_open", aggregate="payment", aggregate_id=order.payment_id,
        title="The bank asks", owner="role:payments", due_at=order.placed_at,
    )  # fmt: skip
    dispute = builders.DisputeFactory(payment=order.payment)

    page = root.page("orders_order_change", order.pk)

    assert "Waits for a person" not in quiet
    top = page.partition("<h2>Lines</h2>")[0]
    assert page_of("foundation_case", case.pk) in top
    assert page_of("payments_dispute", dispute.pk) in top
    assert page_of("foundation_case", case.pk) in root.page(
        "orders_checkout_change", order.checkout_id
    )

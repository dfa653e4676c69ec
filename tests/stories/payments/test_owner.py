"""A hold that a checkout or an order is at work on is theirs: others leave it alone."""

import pytest

from foundation.models import AuditEntry, IdempotencyKey, Transition
from foundation.transactions import durable
from orders import bulk, payment_guard
from orders.models import BulkRow, Checkout, Order
from payments.models import Source
from payments.services.observe import look_and_observe
from tests import builders
from tests.at_the_processor import Dashboard
from tests.stories import world
from tests.stories.orders.desk import cancel, give_up, ship_everything
from tests.stories.orders.test_completion import HALF, one_mug_of
from tests.stories.payments.moves import amounts, usd
from tests.stories.test_staff import somebody


@pytest.fixture
def in_review(api):
    """Billed to another country than it ships to: a person must look."""
    address = {"line1": "Weg 1", "city": "Berlin", "postal_code": "10115", "country": "DE"}
    assert api.checkout(builders.a_purchase(billing_address=address)).status_code == 202
    return Checkout.objects.select_related("payment").get()


@pytest.fixture
def shipped_unpaid(api, settings):
    """All of it left the house, and its money is taken by hand only."""
    settings.SETTLEMENT_POLICY = "manual"
    order = world.an_order(api)
    world.play_events()
    ship_everything(order)
    return order.payment


def code(reply):
    assert reply.status_code == 409, reply.content
    return reply.json()["code"]


@pytest.mark.parametrize("verb", ["capture", "void"])
def test_a_hold_in_review_is_its_checkouts(till, in_review, verb):
    key = builders.a_key()

    reply = getattr(till, verb)(in_review.payment, key=key)

    assert code(reply) == "payment_in_checkout"
    assert reply.json()["checkout_status"] == "in_review"
    assert amounts(in_review.payment)[0] == "authorized"
    assert not IdempotencyKey.objects.filter(key=key).exists()


def test_a_hold_that_waits_for_its_shopper_is_its_checkouts(api, till):
    body = builders.a_purchase(payment_method="pm_card_authenticationRequired")
    assert api.checkout(body).status_code == 202
    waiting = Checkout.objects.select_related("payment").get()

    assert code(till.void(waiting.payment)) == "payment_in_checkout"
    assert give_up(api, waiting).status_code == 200


@pytest.mark.parametrize("verb", ["capture", "void"])
def test_while_the_order_is_being_canceled_nobody_else_moves_its_money(till, payment, verb):
    Order.objects.update(state="canceling")

    assert code(getattr(till, verb)(payment)) == "order_canceling"
    assert amounts(payment)[0] == "authorized"


def test_a_capture_that_was_put_back_is_not_sent_once_the_order_is_being_canceled(till, payment):
    key = builders.a_key()
    with world.processor_away():
        assert till.capture(payment, key=key).status_code == 503
    Order.objects.update(state="canceling")
    world.later()

    assert code(till.capture(payment, key=key)) == "order_canceling"
    assert till.capture(payment, key=key)["Idempotent-Replayed"] == "true"
    assert "capture" not in till.happened(payment)


def test_a_void_that_leaves_shipped_goods_unpaid_is_refused(till, shipped_unpaid):
    reply = till.void(shipped_unpaid)

    assert code(reply) == "shipped_goods_unpaid"
    assert reply.json()["unpaid"] == usd(4298)
    assert len(till.shop.holds(shipped_unpaid.reference)) == 1
    assert till.capture(shipped_unpaid).status_code == 201


def refused_by_hand(payment):
    """Staff send the form of the page that releases the hold; what they are told."""
    written, moved = AuditEntry.objects.count(), Transition.objects.count()

    status, page = somebody("ana", "void_payment").void(payment)

    assert (status, amounts(payment)[:3]) == (302, ("authorized", 0, 0))
    assert (AuditEntry.objects.count(), Transition.objects.count()) == (written, moved)
    return page


def test_staff_who_would_leave_shipped_goods_unpaid_are_told_and_nothing_moves(
    till, shipped_unpaid
):
    page = refused_by_hand(shipped_unpaid)

    assert "Nothing was done. Goods of its order were shipped that are not paid yet" in page
    assert "Voided" not in page
    assert len(till.shop.holds(shipped_unpaid.reference)) == 1


def test_staff_are_told_that_a_hold_goes_with_the_cancellation_of_its_order(till, payment):
    Order.objects.update(state="canceling")

    assert "Nothing was done. Its money is released or given back." in refused_by_hand(payment)
    assert len(till.shop.holds(payment.reference)) == 1


@pytest.fixture
def half_shipped(api, settings):
    """One mug of two left the house and was taken for; for the other one money is held."""
    payment = one_mug_of(api, settings).payment
    assert amounts(payment) == ("partially_captured", HALF, 0, 0)
    return payment


def test_shipped_goods_whose_money_was_given_back_on_purpose_were_paid(till, half_shipped):
    """The rest of the hold is not for them: it may be let go."""
    assert till.refund(half_shipped).status_code == 201

    assert till.void(half_shipped).status_code == 200
    assert amounts(half_shipped)[1:] == (HALF, 1999, HALF)


def test_shipped_goods_whose_money_the_bank_took_back_are_not_charged_for_again(till, half_shipped):
    """Whether they are paid is the bank's to decide, not another capture's."""
    dashboard = Dashboard(till.shop)
    dashboard.decide(dashboard.dispute(half_shipped), "lost")
    look_and_observe(half_shipped.pk, by="test", source=Source.PROCESSOR)
    half_shipped.refresh_from_db()
    assert half_shipped.charged_back_amount == HALF

    with durable():
        payment_guard.refuse_unless_free(half_shipped.pk, deed="void")


def test_a_row_of_many_that_leaves_shipped_goods_unpaid_is_refused(shipped_unpaid):
    bulk.begin([shipped_unpaid.pk], by="staff:anna", reason="cleaning up")
    world.play_events()

    row = BulkRow.objects.get()
    assert (row.state, row.result[:38]) == ("refused", "Goods of its order were shipped that a")
    assert amounts(shipped_unpaid)[0] == "authorized"


def test_the_orders_own_cancellation_is_not_stopped_by_it(api, till, payment):
    order = Order.objects.get()

    assert cancel(api, order).status_code == 200
    assert amounts(payment)[0] == "voided"

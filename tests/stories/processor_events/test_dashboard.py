"""What somebody does in the processor's dashboard reaches our rows and the order, as theirs."""

import pytest

from foundation import clock
from orders.models import Order, StockItem
from payments.models import Payment, PaymentTransaction, ProcessorEvent, Refund
from tests import ledger_witness
from tests.stories import world

TOTAL = 4298


@pytest.fixture
def held(api):
    """An order on a live hold: what follows its placing was lost, so nothing is captured yet."""
    order = world.an_order(api)
    world.lose_events()
    return order.payment


@pytest.fixture
def taken(api):
    """An order that was captured."""
    order = world.an_order(api)
    world.play_events()
    order.payment.refresh_from_db()
    return order.payment


@pytest.fixture
def hear(shop, courier):
    """Everything that the processor has to tell of a payment is delivered and worked; then
    ledger, steps and its journal tell the same of the money."""

    def listen(payment):
        courier.send_all(payment)
        world.play_events()
        payment.refresh_from_db()
        states = set(ProcessorEvent.objects.values_list("state", flat=True))
        assert states <= {"processed", "ignored"}
        ledger_witness.agree(shop)

    return listen


def sources(kind):
    rows = PaymentTransaction.objects.filter(kind=kind)
    return [(row.amount, row.source, row.actor) for row in rows]


def test_a_capture_made_there_is_a_capture_here(held, dashboard, hear):
    dashboard.capture(held)

    hear(held)

    assert (held.state, held.captured_amount) == ("captured", TOTAL)
    assert sources("capture") == [(TOTAL, "processor", "processor")]


def test_a_partial_capture_made_there_lets_go_of_the_rest(held, dashboard, hear):
    dashboard.capture(held, 4000)

    hear(held)

    assert (held.captured_amount, held.voided_amount) == (4000, 298)
    assert sources("capture") == [(4000, "processor", "processor")]


def test_our_own_capture_of_what_was_captured_there_takes_nothing_again(
    held, dashboard, hear, shop
):
    dashboard.capture(held)
    hear(held)

    world.drive_everything(rounds=2)

    assert len(shop.effects(held.reference, "capture")) == 1
    assert Order.objects.get().state == "fulfilling"


def test_a_hold_that_was_canceled_there_cancels_the_order(held, dashboard, hear):
    dashboard.cancel(held)

    hear(held)

    assert held.state == "voided"
    assert sources("void") == [(TOTAL, "processor", "processor")]
    assert Order.objects.get().state == "canceled"
    assert StockItem.objects.get(sku="MUG-BLUE").reserved == 0


def test_a_hold_that_ran_out_there_stops_the_order_until_it_is_paid(held, dashboard, hear):
    Payment.objects.update(capture_before=clock.now())
    dashboard.expire(held)

    hear(held)

    assert held.state == "expired"
    assert Order.objects.get().state == "payment_required"


@pytest.mark.parametrize(("amount", "state"), [(TOTAL, "refunded"), (1298, "partially_refunded")])
def test_a_refund_made_there_is_a_refund_here(taken, dashboard, hear, amount, state, api):
    theirs = dashboard.refund(taken, amount)

    hear(taken)

    assert (taken.state, taken.refunded_amount) == (state, amount)
    assert sources("refund") == [(amount, "processor", "processor")]
    row = Refund.objects.get()
    assert (row.processor_reference, row.state) == (theirs["id"], "succeeded")
    order = api.get(f"/v1/orders/{Order.objects.get().reference}").json()
    assert order["payment_status"] == state


def test_two_refunds_made_there_are_two_here_however_often_they_are_told(taken, dashboard, hear):
    dashboard.refund(taken, 100)
    dashboard.refund(taken, 200)

    for _ in range(3):
        hear(taken)

    assert sorted(amount for amount, *_ in sources("refund")) == [100, 200]
    assert taken.refunded_amount == 300


def test_what_was_never_told_is_seen_with_the_next_thing_that_is(taken, dashboard, courier):
    """The first event is lost; the second makes us look, and we see both."""
    dashboard.refund(taken, 100)
    dashboard.refund(taken, 200)
    (last, *_) = reversed(courier.events(taken, "refund.created"))

    courier.send(last)
    world.play_events()

    assert Payment.objects.get().refunded_amount == 300

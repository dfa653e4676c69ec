"""A hold that the processor will not capture reaches a desk, and a new hold takes its place."""

import pytest

from foundation.models import Case
from payments.models import Payment
from payments.services import void
from tests import builders
from tests.invariants.test_rules import broken
from tests.stories import world
from tests.stories.orders.test_expiry import effects, now, runs_out_in
from tests.stories.test_cases import act, the_case

HOUR = 3601


@pytest.fixture
def refusing(shop):
    """The processor refuses every capture."""
    shop.fault("capture", "capture_refused")
    return shop


@pytest.fixture
def order(api):
    return world.an_order(api)


def tries(times):
    for _ in range(times):
        world.drive_everything(seconds=HOUR)


def refusals():
    return Payment.objects.first().transactions.filter(kind="capture", succeeded=False).count()


def until_refused(times):
    for _ in range(12):
        if refusals() >= times:
            return
        tries(1)
    raise AssertionError("it is not tried any more")


def test_one_refusal_that_passes_is_nobodys_trouble(order, shop):
    shop.fault("capture", "capture_refused", times=2)

    tries(5)

    assert now(order).payment.state == "captured"
    assert not Case.objects.exists()


def test_the_third_refusal_of_a_hold_is_a_case_with_its_code_and_its_stake(order, refusing):
    until_refused(2)
    assert not Case.objects.exists()

    until_refused(3)

    case = the_case("capture_refused")
    assert (case.aggregate_id, case.amount) == (order.payment_id, 4298)
    assert case.owner == "role:payments"
    assert (case.due_at - case.opened_at).total_seconds() == 4 * 3600
    assert "(capture_unauthorized_payment); refusals of this hold so far: 3" in case.detail


def test_a_person_has_it_captured_once_the_processor_is_willing(order, refusing):
    until_refused(3)
    assert act(the_case("capture_refused"), "retry") == "The payment is authorized now."
    assert the_case("capture_refused").state == "open"

    refusing.heal()

    assert act(the_case("capture_refused"), "retry") == "The payment is captured now."
    assert the_case("capture_refused").state == "resolved"
    assert effects(refusing, order.payment, "capture") == [4298]


def test_a_capture_that_is_not_due_is_not_sent(order, refusing, settings):
    until_refused(3)
    type(order).objects.update(settlement_policy="manual")

    assert "nothing is due" in act(the_case("capture_refused"), "retry")


def test_a_hold_that_is_let_go_ends_its_case(order, refusing):
    until_refused(3)

    void.void(order.payment_id, by="staff:ana", reason="the shopper gave up")
    tries(1)
    world.sweep_only("resolve_healed_cases")

    assert the_case("capture_refused").state == "resolved"


def in_its_last_hours(settings):
    runs_out_in(settings.EXPIRY_ACT_SECONDS - 60)
    world.sweep()


def test_in_the_last_hours_of_a_hold_the_first_refusal_is_a_case(order, refusing, settings):
    settings.EXPIRY_REAUTHORIZE = False
    in_its_last_hours(settings)

    world.play_events()

    assert refusals() < 3
    assert the_case("capture_refused").tries == refusals()


def test_in_its_last_hours_a_refused_hold_is_replaced_and_the_new_one_captured(
    order, refusing, settings
):
    world.play_events()
    assert refusals() == 1
    refusing.heal()
    refusing.fault("capture", "capture_refused", times=1)
    in_its_last_hours(settings)

    world.play_events()
    world.drive_everything(3, seconds=600)

    fresh = now(order)
    assert fresh.payment.replaces_id == order.payment_id
    assert (fresh.state, fresh.payment.state) == ("fulfilling", "captured")
    assert shop_took(refusing) == [4298]
    assert refusing.holds(order.payment.reference) == []
    assert broken() == set()


def shop_took(shop):
    return [
        taken for payment in Payment.objects.all() for taken in effects(shop, payment, "capture")
    ]


def test_when_the_card_is_not_held_anew_either_the_order_waits_for_money(order, refusing, settings):
    world.play_events()
    Payment.objects.update(payment_method=builders.decline())
    in_its_last_hours(settings)

    world.play_events()
    world.drive_everything(3, seconds=600)

    assert now(order).state == "payment_required"
    assert the_case("order_unpaid").state == "open"
    assert refusing.holds(order.payment.reference) == []


def test_what_was_taken_in_part_is_not_given_up_for_a_new_hold(api, shop, settings):
    """A new hold would be of the whole amount."""
    settings.SETTLEMENT_POLICY = "manual"
    method = builders.several_captures()
    assert api.checkout(builders.a_purchase(payment_method=method)).status_code == 201
    payment = Payment.objects.get()
    world.play_events()
    path = f"/v1/payments/{payment.reference}/captures"
    body = {"amount": {"amount": 1000, "currency": "USD"}, "final": False}
    assert api.post(path, body, key=builders.a_key()).status_code == 201
    type(payment.order).objects.update(settlement_policy="on_order")
    shop.fault("capture", "capture_refused")
    in_its_last_hours(settings)

    world.play_events()
    world.drive_everything(2, seconds=600)

    assert Payment.objects.count() == 1

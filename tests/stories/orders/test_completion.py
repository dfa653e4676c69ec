"""An order of which a part was shipped, and whose rest nothing pays for, ends with that part."""

import pytest

from foundation import cases
from foundation.models import AuditEntry, Case
from orders import completion
from orders.models import Fulfillment, Reservation, StockItem
from orders.refusals import OrderNotCompletable
from payments.models import Source
from payments.services.capture import capture
from payments.services.observe import look_and_observe
from payments.services.refund import refund
from tests import builders
from tests.at_the_processor import Dashboard
from tests.invariants.test_rules import broken
from tests.races.crowd import at_once
from tests.stories import world
from tests.stories.orders.desk import patch, take_out
from tests.stories.orders.test_coverage import told
from tests.stories.orders.test_expiry import an_order, effects, near_the_end, now
from tests.stories.test_cases import act, the_case
from tests.stories.test_staff import somebody

HALF = 2299  # one mug of two, and the shipping
REST = 1999  # the other one


def one_mug_of(api, settings, *, policy="on_fulfillment"):
    """An order of two mugs, of which one was shipped and taken, by a hold that grants it."""
    order = an_order(api, settings, policy, payment_method=builders.several_captures())
    part = take_out(api, order, {"MUG-BLUE": 1}).json()
    patch(api, part, status="shipped")
    world.play_events()
    return now(order)


@pytest.fixture
def shipped_in_part(api, settings):
    """The rest is still owed, and held."""
    return one_mug_of(api, settings)


@pytest.fixture
def stuck(shop, shipped_in_part):
    """Somebody let go of the rest at the processor: neither payable nor cancelable."""
    Dashboard(shop).cancel(shipped_in_part.payment)
    look_and_observe(shipped_in_part.payment_id, by="test", source=Source.PROCESSOR)
    world.play_events()
    order = now(shipped_in_part)
    assert (order.state, order.payment.state) == ("payment_required", "captured")
    return order


def complete(order):
    return completion.complete_with_what_shipped(order.pk, by="staff:ana", reason="agreed")


def test_a_stuck_order_ends_with_what_was_shipped_by_its_case(shop, stuck):
    told_of = act(the_case("order_unpaid"), "complete")

    assert told_of == "The order is completed with what was shipped."
    assert now(stuck).state == "completed"
    assert the_case("order_unpaid").state == "resolved"
    stock = StockItem.objects.get()
    assert (stock.on_hand, stock.reserved) == (99, 0)
    hold = Reservation.objects.get()
    assert (hold.state, hold.consumed_quantity) == ("released", 1)
    assert told("order.completed") == 1
    assert AuditEntry.objects.get(action="order.complete").reason == "looked into it"


def test_a_client_sees_that_it_was_shipped_in_part_and_is_over(api, stuck):
    path = f"/v1/orders/{stuck.reference}"
    assert api.get(path).json()["fulfillment_status"] == "partial"

    complete(stuck)

    seen = api.get(path).json()
    assert (seen["status"], seen["fulfillment_status"]) == ("completed", "partial")


def test_afterwards_nothing_is_owed_taken_or_looked_at_any_more(shop, stuck, mailoutbox):
    complete(stuck)
    written = len(mailoutbox)

    world.drive_everything(4, seconds=86_401)

    order = now(stuck)
    assert (order.state, order.next_step_at) == ("completed", None)
    assert effects(shop, order.payment, "capture") == [HALF]
    assert not Fulfillment.objects.filter(state="pending").exists()
    assert len(mailoutbox) == written
    assert not Case.objects.filter(state="open").exists()
    assert broken() == set()


@pytest.mark.parametrize("policy", ["on_fulfillment", "on_order"])
def test_a_hold_that_is_left_is_released_and_never_taken(api, shop, settings, policy):
    order = one_mug_of(api, settings)
    type(order).objects.update(settlement_policy=policy)

    complete(now(order))
    world.drive_everything(3, seconds=3601)

    assert shop.holds(order.payment.reference) == []
    assert effects(shop, order.payment, "capture") == [HALF]
    assert (now(order).state, now(order).payment.state) == ("completed", "captured")
    assert broken() == set()


def test_a_release_whose_answer_is_lost_is_swept_up(shop, shipped_in_part):
    shop.fault("cancel", "500_before", times=1)

    complete(shipped_in_part)
    assert now(shipped_in_part).state == "completed"
    world.drive_everything(4, seconds=3601)

    assert shop.holds(shipped_in_part.payment.reference) == []
    assert now(shipped_in_part).payment.state == "captured"


def test_an_order_of_which_nothing_was_shipped_is_canceled_instead(api, settings):
    order = an_order(api, settings, "manual")

    with pytest.raises(OrderNotCompletable, match="Nothing of it was shipped"):
        complete(order)

    assert now(order).state == "fulfilling"


def test_what_was_shipped_and_not_taken_is_captured_first(api, settings):
    order = one_mug_of(api, settings, policy="manual")

    with pytest.raises(OrderNotCompletable, match="Capture what was shipped first"):
        complete(order)

    assert now(order).state == "fulfilling"


def test_what_is_over_can_not_be_completed_again(stuck):
    complete(stuck)

    with pytest.raises(OrderNotCompletable, match="The order is completed"):
        complete(stuck)
    assert told("order.completed") == 1


def test_two_who_complete_it_at_once_give_its_stock_back_once(stuck):
    def try_it():
        try:
            return complete(stuck)
        except OrderNotCompletable:
            return None

    done = at_once([try_it, try_it])

    assert len([order for order in done if order]) == 1
    assert StockItem.objects.get().reserved == 0
    assert broken() == set()


def test_a_person_is_asked_with_the_consequence_and_it_is_on_record(shop, shipped_in_part):
    ana = somebody("ana", "cancel_order")
    question = ana.page("orders_order_complete", shipped_in_part.pk)
    assert "The hold of 19.99 USD is released." in question

    token = ana.form("orders_order_complete", shipped_in_part)
    status, page = ana.send(
        "orders_order_complete", shipped_in_part, token=token, reason="sold out"
    )

    assert (status, "Completed with what was shipped." in page) == (302, True)
    assert now(shipped_in_part).state == "completed"
    entry = AuditEntry.objects.get(action="order.complete")
    assert (entry.actor, entry.reason) == ("staff:ana", "sold out")


def test_its_hold_is_only_let_go_of_in_its_last_hours(shop, shipped_in_part, settings):
    """Whoever ended it died before the release, and the processor put the hold back."""
    with world.processor_away():
        complete(shipped_in_part)
    type(shipped_in_part.payment).objects.update(state="partially_captured", leased_until=None)

    near_the_end(shipped_in_part, settings)
    world.drive_everything(2, seconds=600)

    assert shop.holds(shipped_in_part.payment.reference) == []
    assert effects(shop, shipped_in_part.payment, "capture") == [HALF]


@pytest.fixture
def taken_at_once(api, settings):
    """All of the money was taken, and one mug of two has left the house."""
    order = an_order(api, settings, "manual")
    capture(order.payment_id, by="system:settlement")
    world.play_events()
    patch(api, take_out(api, order, {"MUG-BLUE": 1}).json(), status="shipped")
    world.play_events()
    assert (now(order).state, now(order).payment.captured_amount) == ("fulfilling", HALF + REST)
    return now(order)


def give_back(order, amount):
    refund(order.payment_id, by="staff:ana", reason="not sent", amount=amount)
    world.sweep_only("resolve_healed_cases")


def test_what_was_taken_for_the_part_that_never_ships_is_a_persons_to_give_back(taken_at_once):
    complete(taken_at_once)

    case = the_case("taken_not_shipped")
    assert (case.aggregate_id, case.amount, case.state) == (taken_at_once.pk, REST, "open")
    assert case.owner == "role:payments"
    assert "22.99 USD were shipped" in case.detail


def test_that_case_ends_when_all_of_it_was_given_back(taken_at_once):
    complete(taken_at_once)

    give_back(taken_at_once, REST - 1)
    assert the_case("taken_not_shipped").state == "open"

    give_back(taken_at_once, 1)
    assert the_case("taken_not_shipped").state == "resolved"


def test_or_when_a_person_says_why_it_is_kept(taken_at_once):
    complete(taken_at_once)

    cases.close(the_case("taken_not_shipped").pk, by="staff:ana", reason="a voucher instead")
    world.drive_everything(3, seconds=86_401)

    assert the_case("taken_not_shipped").state == "closed"


def test_what_was_given_back_before_is_not_at_stake(taken_at_once):
    refund(taken_at_once.payment_id, by="staff:ana", reason="not sent", amount=REST)

    complete(now(taken_at_once))

    assert not Case.objects.filter(kind="taken_not_shipped").exists()


def test_while_the_bank_decides_about_it_the_case_stays(shop, taken_at_once):
    complete(taken_at_once)
    dashboard = Dashboard(shop)
    objection = dashboard.dispute(taken_at_once.payment)
    look_and_observe(taken_at_once.payment_id, by="test", source=Source.PROCESSOR)
    world.sweep_only("resolve_healed_cases")
    assert the_case("taken_not_shipped").state == "open"

    dashboard.decide(objection, "lost")
    look_and_observe(taken_at_once.payment_id, by="test", source=Source.PROCESSOR)
    world.sweep_only("resolve_healed_cases")

    assert the_case("taken_not_shipped").state == "resolved"


def test_the_rest_that_is_taken_at_the_processor_meanwhile_leads_to_the_same_case(
    shop, shipped_in_part, monkeypatch
):
    """Somebody signed in there was faster than the release."""
    dashboard = Dashboard(shop)
    world.meanwhile(monkeypatch, "void", lambda: dashboard.capture(shipped_in_part.payment))

    complete(shipped_in_part)
    assert not Case.objects.filter(kind="taken_not_shipped").exists()
    world.drive_everything(4, seconds=3601)

    order = now(shipped_in_part)
    assert (order.state, order.payment.captured_amount) == ("completed", HALF + REST)
    case = the_case("taken_not_shipped")
    assert (case.aggregate_id, case.amount, case.state) == (order.pk, REST, "open")
    assert broken() == set()


def test_a_person_is_told_beforehand_what_stays_to_be_given_back(taken_at_once):
    question = somebody("ana", "cancel_order").page("orders_order_complete", taken_at_once.pk)

    assert "19.99 USD were taken for it, and a case asks to give them back" in question


def test_an_order_whose_money_was_all_given_back_is_not_open_for_ever(stuck):
    refund(stuck.payment_id, by="staff:ana", reason="a late apology")
    assert now(stuck).payment.state == "refunded"

    complete(now(stuck))
    world.drive_everything(2, seconds=3601)

    assert now(stuck).state == "completed"
    assert StockItem.objects.get().reserved == 0
    assert not Case.objects.filter(state="open").exists()
    assert broken() == set()


def test_neither_is_one_whose_money_the_bank_took_back(shop, stuck):
    dashboard = Dashboard(shop)
    dashboard.decide(dashboard.dispute(stuck.payment), "lost")
    look_and_observe(stuck.payment_id, by="test", source=Source.PROCESSOR)
    world.play_events()
    assert now(stuck).payment.state == "charged_back"

    complete(now(stuck))

    assert now(stuck).state == "completed"
    assert StockItem.objects.get().reserved == 0
    assert broken() == set()

"""What a third attack tried: requests nobody can finish, sleepers, one bad row among good ones."""

from contextlib import suppress

import pytest

from foundation import cases
from foundation.models import Case, IdempotencyKey
from foundation.transactions import durable
from orders.checkout.recovery import recover_checkouts
from orders.models import Checkout, StockItem
from payments.models import Payment
from payments.processors.base import OutcomeUnknown
from payments.processors.stripe import StripeProcessor
from payments.services import expire, steps, void
from payments.services.ask import Answer
from tests import builders
from tests.stories import world
from tests.stories.orders.desk import adjust
from tests.stories.test_cases import DAY, act, the_case


@pytest.fixture
def a_request_that_fails(api, shop, monkeypatch):
    """Stock was counted, and whoever writes the answer fails, again and again."""

    def broken(*_, **__):
        raise RuntimeError("a bug")

    key = builders.a_key()
    with monkeypatch.context() as patched:
        patched.setattr("orders.representations.adjustment", broken)
        with suppress(RuntimeError):
            adjust(api, "MUG-BLUE", 20, key=key)
        world.sweeps(12, seconds=76)
    return key


def test_a_request_that_nobody_can_finish_is_a_case(a_request_that_fails):
    case = the_case("request_crashing")

    assert case.aggregate_id == IdempotencyKey.objects.get(key=a_request_that_fails).pk
    assert case.state == "open"


def test_resuming_such_a_request_finishes_it_once_its_cause_is_gone(api, a_request_that_fails):
    act(the_case("request_crashing"), "resume")
    world.sweeps(2, seconds=76)
    cases.resolve_healed(limit=100)

    assert IdempotencyKey.objects.get(key=a_request_that_fails).response_status == 201
    assert the_case("request_crashing").state == "resolved"
    assert StockItem.objects.get().on_hand == 120


def test_who_was_overtaken_in_a_release_neither_writes_nor_sends(api, shop):
    payment = world.an_order(api).payment
    with durable():
        void.claim(payment, by="test", reason="test")
    sleeper = Payment.objects.get()
    world.later()
    with durable():
        steps.take_over(payment)

    with durable():
        void.close(sleeper, Answer("answered", is_look_up=True), by="test")
        call = void.next_call(sleeper)
    call()

    now = Payment.objects.get()
    assert (now.step_attempt, now.look_ups) == (payment.step_attempt, payment.look_ups)
    assert shop.effects(payment.reference, "cancel") == []


def test_a_hold_that_can_not_be_brought_in_line_keeps_no_other_waiting(api, monkeypatch):
    for _ in range(2):
        assert api.checkout(builders.a_purchase()).status_code == 201
    first, second = Payment.objects.order_by("capture_before")
    world.later(32 * DAY)
    looked = []

    def look(payment_id, **_):
        looked.append(payment_id)
        if payment_id == first.pk:
            raise RuntimeError("a bug")

    monkeypatch.setattr(expire, "look_and_observe", look)
    expire.expire_authorizations(limit=50)

    assert looked == [first.pk, second.pk]


def test_a_late_hold_that_somebody_took_reaches_a_person(api, settings, monkeypatch):
    def everybody_gives_up():
        world.later(16 * 60)
        world.drive_everything(3)

    world.meanwhile(monkeypatch, "authorize", everybody_gives_up)
    assert api.checkout().status_code == 409
    world.capture_behind_our_back(Payment.objects.get())

    world.drive_everything(2, seconds=settings.SECOND_LOOK_SECONDS)

    case = the_case("payment_differs")
    assert (case.amount, Payment.objects.get().state) == (4298, "abandoned")


def test_what_can_not_be_released_keeps_no_goods_from_others(api, shop, monkeypatch):
    def silent(self, **asked):
        raise OutcomeUnknown("read timeout")

    with monkeypatch.context() as patched:
        patched.setattr(StripeProcessor, "authorize", silent)
        patched.setattr(StripeProcessor, "find", silent)
        api.checkout()
        for _ in range(20):
            world.later(3601)
            recover_checkouts(limit=5)

    assert Checkout.objects.get().state == "needs_attention"
    assert StockItem.objects.get().reserved == 0
    assert Case.objects.get().kind == "checkout_not_undone"

    world.drive_everything(3, seconds=DAY)
    assert Checkout.objects.get().state == "compensated"
    assert StockItem.objects.get().reserved == 0

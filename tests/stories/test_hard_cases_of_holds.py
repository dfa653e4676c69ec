"""What a second attack tried: keys after time-outs, late holds, approvals nobody can confirm."""

import dataclasses

import pytest

from events import relay
from events.models import OutboxEvent
from foundation.state_machine import IllegalTransition
from foundation.transactions import durable
from orders import reviews
from orders.checkout.recovery import recover_checkouts
from orders.models import Checkout, Order, StockItem
from payments.models import Payment
from payments.processors import processor
from payments.processors.base import OutcomeUnknown, ProcessorUnavailable
from payments.processors.stripe import StripeProcessor
from payments.services import authorize, resolve, void
from tests import builders
from tests.stories import world


@pytest.fixture
def sendings(monkeypatch):
    """Every authorization is lost on its way, in the manner the test names; none arrives yet."""
    lost = []

    def swallow(how):
        def authorize(self, **asked):
            lost.append(asked)
            raise OutcomeUnknown(how(len(lost)))

        monkeypatch.setattr(StripeProcessor, "authorize", authorize)

    swallow.lost = lost
    return swallow


def sweep_until_sent(lost, times):
    for _ in range(12):
        if len(lost) >= times:
            return
        world.later(76)
        recover_checkouts(limit=5)


def test_an_attempt_that_timed_out_keeps_its_key_whatever_the_look_ups_answered(
    api, sendings, monkeypatch
):
    real, looks = StripeProcessor.find, []

    def find(self, **asked):
        looks.append(asked)
        if len(looks) % 2:
            raise OutcomeUnknown("http_500")
        return real(self, **asked)

    monkeypatch.setattr(StripeProcessor, "find", find)
    sendings(lambda nth: "no answer")
    assert api.checkout().status_code == 202

    sweep_until_sent(sendings.lost, 3)

    assert len(sendings.lost) == 3
    assert len({asked["key"] for asked in sendings.lost}) == 1


def test_one_time_out_is_not_forgotten_for_a_later_500(api, sendings):
    sendings(lambda nth: "no answer" if nth == 1 else "http_500")
    assert api.checkout().status_code == 202

    sweep_until_sent(sendings.lost, 4)

    assert len({asked["key"] for asked in sendings.lost}) == 1


def test_an_attempt_answered_500_twice_gets_a_number_of_its_own(api, sendings):
    sendings(lambda nth: "http_500")
    assert api.checkout().status_code == 202

    sweep_until_sent(sendings.lost, 3)

    assert [asked["key"][-1] for asked in sendings.lost] == ["1", "1", "2"]


def test_a_late_hold_is_released_even_if_we_die_over_it(api, shop, settings, monkeypatch):
    def everybody_gives_up():
        world.later(16 * 60)
        world.drive_everything(3)

    world.meanwhile(monkeypatch, "authorize", everybody_gives_up)
    assert api.checkout().status_code == 409
    payment = Payment.objects.get()
    assert (payment.state, len(shop.holds(payment.reference))) == ("abandoned", 1)

    def died(payment, *, by):
        raise world.ProcessDied

    world.later(settings.SECOND_LOOK_SECONDS)
    with monkeypatch.context() as patched:
        patched.setattr(void, "go_on", died)
        with pytest.raises(world.ProcessDied):
            resolve.resolve_unknown(limit=5)
    world.drive_everything(4, seconds=600)

    assert shop.holds(payment.reference) == []
    assert Payment.objects.get().state == "voided"


@pytest.fixture
def in_review(api, shop):
    """A checkout that risk sent to a person: a disposable e-mail address."""
    body = builders.a_purchase(customer={"reference": "c", "email": "x@mailinator.com"})
    assert api.checkout(body).status_code == 202
    checkout = Checkout.objects.get()
    assert checkout.state == "in_review"
    return checkout


@pytest.mark.parametrize("silence", [ProcessorUnavailable("away"), OutcomeUnknown("http_500")])
def test_an_approval_that_the_processor_does_not_confirm_waits_and_asks_once(
    in_review, shop, monkeypatch, silence
):
    asked = []

    def find(self, **question):
        asked.append(question)
        raise silence

    with monkeypatch.context() as patched:
        patched.setattr(StripeProcessor, "find", find)
        reviews.decide(in_review.pk, approved=True, by="staff:anna", reason="known customer")
    assert len(asked) == 1
    assert Checkout.objects.get().state == "in_review"

    world.drive_everything(3, seconds=600)

    assert Order.objects.get().payment.state == "captured"


def test_an_approval_of_a_hold_that_was_taken_meanwhile_becomes_a_persons(
    in_review, shop, monkeypatch
):
    real = StripeProcessor.find

    def find(self, **question):
        return dataclasses.replace(real(self, **question), status="captured")

    payment = Payment.objects.get()
    processor("stripe").capture(
        processor_reference=payment.processor_reference, amount=payment.amount, key="elsewhere-1"
    )
    monkeypatch.setattr(StripeProcessor, "find", find)
    reviews.decide(in_review.pk, approved=True, by="staff:anna", reason="known customer")

    assert not Order.objects.exists()
    assert Payment.objects.get().state == "captured"
    assert Checkout.objects.get().state == "needs_attention"
    assert StockItem.objects.get().reserved == 0


def test_a_void_between_the_look_and_the_pivot_places_no_order(in_review, shop, monkeypatch):
    real = StripeProcessor.find

    def find(self, **question):
        seen = real(self, **question)
        monkeypatch.setattr(StripeProcessor, "find", real)
        world.elsewhere(lambda: void.void(in_review.payment_id, by="staff:bob", reason="fraud"))
        return seen

    monkeypatch.setattr(StripeProcessor, "find", find)
    reviews.decide(in_review.pk, approved=True, by="staff:anna", reason="known customer")
    world.drive_everything(3)

    assert not Order.objects.exists()
    assert Payment.objects.get().state == "voided"
    assert StockItem.objects.get().reserved == 0


def test_waiting_for_the_broker_uses_up_no_tries(api):
    assert api.checkout().status_code == 201

    def away(event):
        raise OSError("no broker")

    def hiccup(event):
        raise RuntimeError("once")

    for _ in range(15):
        world.later(76)
        relay.relay_batch(limit=200, send=away)
    world.later(76)
    relay.relay_batch(limit=200, send=hiccup)

    assert not OutboxEvent.objects.filter(state="dead").exists()


def test_the_longer_the_broker_is_away_the_longer_the_relay_waits(api, settings):
    assert api.checkout().status_code == 201
    settings.RELAY_RETRY_SECONDS_MAX = 15.0
    tries = []

    def away(event):
        tries.append(event)
        raise OSError("no broker")

    for _ in range(600):  # ten minutes, looked at every second
        world.later(1)
        relay.relay_batch(limit=200, send=away)

    assert 600 / 15 <= len(tries) <= 80
    world.later(15)
    assert relay.relay_batch(limit=200, send=lambda event: None) == 2


def test_two_who_learn_of_one_hold_write_it_down_once(api, shop):
    body = builders.a_purchase(payment_method=builders.faulty("timeout_after"))
    api.checkout(body)
    mine, yours = Payment.objects.get(), Payment.objects.get()
    seen = authorize.look_up(mine)().payment

    with durable():
        authorize.record_hold(mine, seen, by="one")
    with pytest.raises(IllegalTransition), durable():
        authorize.record_hold(yours, seen, by="the other")

    assert mine.transactions.get().actor == "one"


@pytest.mark.parametrize("facts", [{"brand": 7}, {"last4": 4242}, {"country": "U\0S"}])
def test_odd_facts_of_a_card_stick_nothing(api, shop, monkeypatch, facts):
    client = processor("stripe")._client
    raw = client.raw_request

    def odd(*args, **options):
        response = raw(*args, **options)
        response.data["latest_charge"]["payment_method_details"]["card"].update(facts)
        return response

    monkeypatch.setattr(client, "raw_request", odd)

    assert api.checkout().status_code == 201

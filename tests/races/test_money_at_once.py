"""Captures, voids and refunds under a crowd; each guard's control shows what it is for."""

import itertools
import time
from collections import Counter

import pytest

from foundation.models import Transition
from payments.models import Payment, Refund
from payments.processors import processor
from payments.services import capture, owner, refund_outcome, resolve, steps, void
from payments.services.observe import InFlight, NotAnswered, look_and_observe
from tests import builders, ledger_witness
from tests.conftest import Api
from tests.races.crowd import at_once
from tests.stories import world
from tests.stories.payments.moves import Till, usd

# Between the look and the write, where a guard was taken away: time for somebody else.
SECONDS_BETWEEN = 0.05
KNOWN = {200, 201, 402, 409, 422}


@pytest.fixture
def till(api, shop):
    return Till(api, shop)


def an_authorized(api, **changes):
    reply = api.checkout(builders.a_purchase(**changes))
    assert reply.status_code == 201, reply.content
    return Payment.objects.latest("pk")


def hands(till, count):
    """As many clients of the same shop."""
    return [Till(Api(till.api.key), till.shop) for _ in range(count)]


def statuses(replies):
    found = Counter(reply.status_code for reply in replies)
    assert set(found) <= KNOWN, [r.content for r in replies if r.status_code not in KNOWN]
    return found


def requested(shop, payment, operation):
    asked = shop.requests(payment.reference)
    return len([request for request in asked if request["operation"] == operation])


def test_sixty_four_refunds_at_once_give_back_what_was_taken_and_not_a_cent_more(till, shop):
    payment = an_authorized(till.api)
    till.capture(payment, 4200)

    replies = at_once([lambda hand=hand: hand.refund(payment, 100) for hand in hands(till, 64)])

    assert statuses(replies) == {201: 42, 422: 22}
    payment.refresh_from_db()
    assert (payment.state, payment.refunded_amount) == ("refunded", 4200)
    assert payment.refund_pending_amount == 0
    assert till.happened(payment)["refund"] == (42, 4200)
    assert sorted(Refund.objects.values_list("sequence", flat=True)) == list(range(1, 43))
    ledger_witness.agree(shop)


def test_control_without_the_lock_and_the_guard_more_is_promised_back_than_was_taken(
    till, monkeypatch
):
    def put_aside(payment, amount):
        time.sleep(SECONDS_BETWEEN)
        pending = payment.refund_pending_amount + amount
        Payment.objects.filter(pk=payment.pk).update(refund_pending_amount=pending)
        payment.refund_pending_amount = pending

    monkeypatch.setattr(steps, "lock_and_read", lambda payment: payment.refresh_from_db())
    monkeypatch.setattr(refund_outcome, "put_aside", put_aside)
    numbers = itertools.count(1)
    monkeypatch.setattr(refund_outcome, "next_sequence", lambda payment: next(numbers))
    payment = an_authorized(till.api)
    till.capture(payment, 300)

    at_once([lambda hand=hand: hand.refund(payment, 100) for hand in hands(till, 16)])

    promised = Refund.objects.count() * 100
    assert promised > 300


def test_one_key_at_once_is_one_refund(till):
    payment = an_authorized(till.api)
    till.capture(payment)
    key = builders.a_key()

    replies = at_once(
        [lambda hand=hand: hand.refund(payment, 1000, key=key) for hand in hands(till, 32)]
    )

    assert set(statuses(replies)) <= {201, 409}
    assert till.refund(payment, 1000, key=key)["Idempotent-Replayed"] == "true"
    assert Refund.objects.count() == 1
    assert till.happened(payment)["refund"] == (1, 1000)


def test_captures_of_parts_at_once_take_their_parts_and_never_more_than_is_held(till, shop):
    payment = an_authorized(till.api, payment_method=builders.several_captures())
    keys = [builders.a_key() for _ in range(12)]

    def take(hand, key):
        for _ in range(40):
            reply = hand.capture(payment, 500, final=False, key=key)
            if reply.status_code != 409:
                return reply
            time.sleep(SECONDS_BETWEEN)
        return reply

    replies = at_once(
        [
            lambda hand=hand, key=key: take(hand, key)
            for hand, key in zip(hands(till, 12), keys, strict=True)
        ]
    )

    assert statuses(replies) == {201: 8, 422: 4}
    payment.refresh_from_db()
    assert (payment.state, payment.captured_amount) == ("partially_captured", 4000)
    assert till.happened(payment)["capture"] == (8, 4000)
    ledger_witness.agree(shop)


def a_void_and_a_capture(till, payment):
    one, other = hands(till, 2)
    return at_once([lambda: one.void(payment), lambda: other.capture(payment, 1000)])


def test_a_void_and_a_partial_capture_at_once_are_one_or_the_other(till, shop):
    for _ in range(6):
        payment = an_authorized(till.api)

        replies = a_void_and_a_capture(till, payment)

        assert sorted(statuses(replies)) in ([200, 409], [201, 409])
        asked = [requested(shop, payment, name) for name in ("capture", "cancel")]
        assert sorted(asked) == [0, 1]
        payment.refresh_from_db()
        assert payment.state == ("captured" if asked[0] else "voided")
    ledger_witness.agree(shop)


def test_control_without_the_claim_a_void_and_a_capture_are_both_sent(till, shop, monkeypatch):
    def claim(row, *, table, to, by, only_from=None, fence=None, reason="", **changes):
        time.sleep(SECONDS_BETWEEN)
        Payment.objects.filter(pk=row.pk).update(state=to, **changes)
        for name, value in {"state": to, **changes}.items():
            setattr(row, name, value)

    monkeypatch.setattr(capture, "move", claim)
    monkeypatch.setattr(void, "move", claim)
    monkeypatch.setattr(steps, "lock_and_read", lambda payment: payment.refresh_from_db())
    monkeypatch.setattr(owner, "ask", lambda payment_id, deed: None)  # its lock is one more guard
    both = 0
    for _ in range(6):
        payment = an_authorized(till.api)
        a_void_and_a_capture(till, payment)
        asked = [requested(shop, payment, name) for name in ("capture", "cancel")]
        both += min(asked)

    assert both > 0


def test_whoever_asks_about_a_lost_capture_at_once_books_it_once(till, shop):
    payment = an_authorized(till.api)
    shop.fault("capture", "lost_reply", times=1)
    key = builders.a_key()
    assert till.capture(payment, 1000, key=key).status_code == 202
    world.later(6)

    def look():
        try:
            return look_and_observe(payment.pk, by="test", source="processor")
        except (InFlight, NotAnswered) as elsewhere:
            return elsewhere

    again = Till(Api(till.api.key), shop)
    at_once(
        [
            look,
            lambda: resolve.resolve_unknown(limit=5),
            lambda: resolve.try_now(payment.pk),
            look,
            lambda: again.capture(payment, 1000, key=key),
            lambda: resolve.resolve_unknown(limit=5),
        ]
    )
    world.sweeps(2, seconds=600)

    payment.refresh_from_db()
    assert (payment.state, payment.captured_amount) == ("captured", 1000)
    assert payment.transactions.filter(kind="capture").count() == 1
    assert Transition.objects.filter(aggregate_id=payment.pk, to_state="captured").count() == 1
    ledger_witness.agree(shop)


def test_whoever_looks_at_a_refund_from_the_dashboard_at_once_books_it_once(till, shop):
    payment = an_authorized(till.api)
    till.capture(payment)
    payment.refresh_from_db()
    processor("stripe").refund(
        processor_reference=payment.processor_reference,
        amount=1000,
        key=builders.a_key(),
        reference="",
    )

    at_once([lambda: look_and_observe(payment.pk, by="test", source="processor") for _ in range(8)])

    payment.refresh_from_db()
    assert (payment.state, payment.refunded_amount) == ("partially_refunded", 1000)
    assert Refund.objects.count() == 1
    ledger_witness.agree(shop)


def test_a_refund_and_a_look_at_once_do_not_wait_for_each_other_for_ever(till, shop):
    for _ in range(5):
        payment = an_authorized(till.api)
        till.capture(payment)
        hand = hands(till, 1)[0]

        replies = at_once(
            [
                lambda hand=hand, payment=payment: hand.refund(payment, 1000),
                *[
                    lambda payment=payment: look_and_observe(
                        payment.pk, by="test", source="processor"
                    )
                    for _ in range(3)
                ],
            ]
        )

        assert replies[0].status_code == 201
        assert replies[0].json()["amount"] == usd(1000)
    ledger_witness.agree(shop)


def test_a_refund_and_a_dispute_at_once_do_not_both_give_the_money_back(till, shop):
    for _ in range(4):
        payment = an_authorized(till.api)
        till.capture(payment)
        payment.refresh_from_db()
        till.backstage("disputes", payment=payment.processor_reference)
        hand = hands(till, 1)[0]

        refund, *_ = at_once(
            [
                lambda hand=hand, payment=payment: hand.refund(payment),
                lambda payment=payment: look_and_observe(payment.pk, by="test", source="processor"),
            ]
        )
        world.sweeps(1)
        look_and_observe(payment.pk, by="test", source="processor")

        assert refund.status_code in (402, 409)
        payment.refresh_from_db()
        assert (payment.state, payment.charged_back_amount) == ("disputed", 4298)
        assert (payment.refunded_amount, payment.refund_pending_amount) == (0, 0)
    ledger_witness.agree(shop)

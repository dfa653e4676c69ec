"""Taking what is held: all of it, a part, several parts; each once, and never more."""

import datetime as dt

import pytest

from events.models import OutboxEvent
from foundation import clock
from foundation.models import AuditEntry, IdempotencyKey
from payments.models import PaymentTransaction
from payments.processors import processor
from payments.services.observe import look_and_observe
from tests import builders
from tests.conftest import Api
from tests.stories import world
from tests.stories.payments.moves import amounts, rows, usd


def test_a_capture_takes_all_that_is_held_and_says_so(till, payment):
    reply = till.capture(payment)

    assert reply.status_code == 201
    body = reply.json()
    assert (body["type"], body["status"], body["amount"]) == ("capture", "succeeded", usd(4298))
    assert body["payment"]["status"] == "captured"
    assert body["payment"]["refundable"] == usd(4298)
    assert amounts(payment) == ("captured", 4298, 0, 0)
    assert till.happened(payment)["capture"] == (1, 4298)
    assert till.seen(payment) == body["payment"]


def test_a_capture_is_on_record_with_who_wanted_it(till, payment):
    till.capture(payment)

    step = payment.transactions.get(kind="capture")
    assert step.actor.startswith("api:shop-")
    assert step.source == "api"
    entry = AuditEntry.objects.get(action="payment.capture")
    assert (entry.actor, entry.after["claimed_amount"]) == (step.actor, 4298)


def test_the_fee_of_a_capture_is_booked_with_it(till, payment):
    till.capture(payment)

    payment.refresh_from_db()
    fee = payment.transactions.get(kind="fee")
    assert fee.amount == payment.fee_amount > 0
    assert till.seen(payment)["fees"] == usd(fee.amount)


def test_a_partial_capture_lets_go_of_the_rest(till, payment):
    reply = till.capture(payment, 1000)

    assert reply.status_code == 201
    assert amounts(payment) == ("captured", 1000, 3298, 0)
    assert ("void", 3298) in rows(payment)
    assert payment.transactions.get(kind="void").note == "remainder"
    assert till.shop.holds(payment.reference) == []


def test_a_second_capture_is_refused_where_the_processor_grants_one(till, payment):
    till.capture(payment, 1000)

    again = till.capture(payment, 1000)

    assert (again.status_code, again.json()["code"]) == (409, "payment_already_captured")
    assert again.json()["refunds"] == f"/v1/payments/{payment.reference}/refunds"
    assert till.happened(payment)["capture"] == (1, 1000)


def test_a_part_that_is_not_the_last_is_refused_where_the_processor_grants_one(till, payment):
    reply = till.capture(payment, 1000, final=False)

    assert (reply.status_code, reply.json()["code"]) == (409, "multicapture_not_granted")
    assert amounts(payment) == ("authorized", 0, 0, 0)
    assert not IdempotencyKey.objects.filter(subject_kind="payment_capture").exists()


def test_several_captures_take_their_parts_and_the_last_lets_go_of_the_rest(till, several):
    for amount, final in ((1000, False), (2000, False), (500, True)):
        assert till.capture(several, amount, final=final).status_code == 201

    assert amounts(several) == ("captured", 3500, 798, 0)
    assert [row for row in rows(several) if row[0] in ("capture", "void")] == [
        ("capture", 1000), ("capture", 2000), ("capture", 500), ("void", 798),
    ]  # fmt: skip
    assert till.happened(several)["capture"] == (3, 3500)
    told = OutboxEvent.objects.filter(type__startswith="payment.").order_by("sequence")
    assert [event.type for event in told][1:] == [
        "payment.partially_captured", "payment.partially_captured", "payment.captured",
    ]  # fmt: skip


def test_between_two_captures_the_payment_says_what_may_still_be_taken(till, several):
    till.capture(several, 1000, final=False)

    seen = till.seen(several)
    assert seen["status"] == "partially_captured"
    assert (seen["captured"], seen["capturable"]) == (usd(1000), usd(3298))


def test_fees_that_the_answer_did_not_tell_are_booked_with_the_next_look(till, several):
    till.capture(several, 1000, final=False)
    till.capture(several, 3298)

    look_and_observe(several.pk, by="test", source="processor")

    fees = list(several.transactions.filter(kind="fee").order_by("sequence"))
    since, until = clock.now() - dt.timedelta(hours=1), clock.now() + dt.timedelta(minutes=1)
    lines = list(processor("stripe").list_transactions(since=since, until=until))
    assert len(fees) == 2
    assert sum(fee.amount for fee in fees) == sum(line.fee for line in lines[:2])


@pytest.mark.parametrize("amount", [4299, 10**12])
def test_more_than_is_held_is_refused_and_costs_no_key(till, payment, amount):
    key = builders.a_key()

    reply = till.capture(payment, amount, key=key)

    assert (reply.status_code, reply.json()["code"]) == (422, "amount_exceeds_capturable")
    assert reply.json()["capturable"] == usd(4298)
    assert "capture" not in till.happened(payment)
    assert till.capture(payment, 4298, key=key).status_code == 201


def test_more_than_the_rest_is_refused(till, several):
    till.capture(several, 4000, final=False)

    assert till.capture(several, 299).status_code == 422
    assert till.capture(several, 298).status_code == 201
    assert amounts(several) == ("captured", 4298, 0, 0)


def test_a_capture_of_what_was_released_is_refused(till, payment):
    till.void(payment)

    reply = till.capture(payment)

    assert (reply.status_code, reply.json()["code"]) == (409, "payment_not_capturable")
    assert amounts(payment) == ("voided", 0, 4298, 0)


def test_a_refused_capture_puts_the_hold_back_and_says_why(till, payment):
    till.shop.fault("capture", "capture_refused", times=1)
    key = builders.a_key()

    reply = till.capture(payment, key=key)

    assert (reply.status_code, reply.json()["code"]) == (402, "capture_refused")
    assert reply.json()["decline_code"] == "capture_unauthorized_payment"
    assert amounts(payment) == ("authorized", 0, 0, 0)
    assert till.capture(payment, key=key).content == reply.content
    assert till.capture(payment).status_code == 201
    assert till.happened(payment)["capture"] == (1, 4298)


def test_the_same_key_again_is_answered_from_memory(till, payment):
    key = builders.a_key()
    first = till.capture(payment, 1000, key=key)
    asked = len(till.shop.requests())

    again = till.capture(payment, 1000, key=key)

    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert len(till.shop.requests()) == asked


def test_the_same_key_with_another_amount_is_refused(till, payment):
    key = builders.a_key()
    till.capture(payment, 1000, key=key)

    other = till.capture(payment, 2000, key=key)

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert till.happened(payment)["capture"] == (1, 1000)


BAD_BODIES = [
    {"amount": usd(0)},
    {"amount": usd(-1)},
    {"amount": {"amount": 10.5, "currency": "USD"}},
    {"amount": {"amount": "1000", "currency": "USD"}},
    {"amount": {"amount": 1000}},
    {"amount": {"amount": 1000, "currency": "EUR"}},
    {"amount": {"amount": True, "currency": "USD"}},
    {"amount": 1000},
    {"final": "true"},
    {"final": 1},
    {"final": None},
    {"amount_to_capture": 1000},
]


@pytest.mark.parametrize("body", BAD_BODIES)
def test_a_body_that_means_nothing_is_refused_without_a_trace(till, payment, body):
    reply = till.move(payment, "captures", body)

    assert reply.status_code == 422, reply.content
    assert reply.json()["errors"][0]["pointer"].startswith("/")
    assert amounts(payment) == ("authorized", 0, 0, 0)
    assert not IdempotencyKey.objects.filter(subject_kind="payment_capture").exists()


@pytest.mark.parametrize("verb", ["captures", "void", "refunds"])
def test_a_move_of_money_needs_a_key_and_a_payment_of_ones_own(till, payment, another_api, verb):
    path = f"/v1/payments/{payment.reference}/{verb}"

    assert till.api.post(path, {}).status_code == 400
    assert another_api.post(path, {}, key=builders.a_key()).status_code == 404
    nobody = f"/v1/payments/pay_{'a' * 28}/{verb}"
    assert till.api.post(nobody, {}, key=builders.a_key()).status_code == 404
    assert amounts(payment) == ("authorized", 0, 0, 0)


@pytest.mark.parametrize("verb", ["captures", "void", "refunds"])
def test_a_move_of_money_needs_its_scope(shop, payment, verb):
    _, key = builders.a_client(scopes=["checkout", "orders:read", "orders:write"], sees_all=True)
    path = f"/v1/payments/{payment.reference}/{verb}"

    reply = Api(key).post(path, {}, key=builders.a_key())

    assert (reply.status_code, reply.json()["code"]) == (403, "scope_missing")


def test_a_capture_of_the_shops_own_chain_and_one_by_a_client_take_it_once(till, payment):
    till.capture(payment)

    world.play_events()

    assert till.happened(payment)["capture"] == (1, 4298)
    assert PaymentTransaction.objects.filter(kind="capture").count() == 1

"""Letting go of a hold, or of what is left of it: once, and never of what was taken."""

import pytest

from events.models import OutboxEvent
from foundation.models import AuditEntry, IdempotencyKey
from payments.models import Payment
from tests import builders
from tests.stories import world
from tests.stories.payments.moves import amounts, rows, slow_processor, usd

LOST = ["timeout_after", "lost_reply", "500_after", "timeout_before", "reset_before", "500_before"]


def test_a_void_releases_the_hold_and_says_so(till, payment):
    reply = till.void(payment, reason="customer changed her mind")

    assert reply.status_code == 200
    assert (reply.json()["status"], reply.json()["voided"]) == ("voided", usd(4298))
    assert till.shop.holds(payment.reference) == []
    step = payment.transactions.get(kind="void")
    assert (step.source, step.amount, step.note) == ("api", 4298, "")
    assert AuditEntry.objects.get(action="payment.void").reason == "customer changed her mind"


def test_a_void_of_what_was_taken_is_refused_with_the_way_to_a_refund(till, taken):
    reply = till.void(taken)

    assert (reply.status_code, reply.json()["code"]) == (409, "payment_already_captured")
    assert reply.json()["refunds"] == f"/v1/payments/{taken.reference}/refunds"
    assert amounts(taken) == ("captured", 4298, 0, 0)
    assert not IdempotencyKey.objects.filter(subject_kind="payment_void").exists()


def test_a_void_of_what_was_released_is_refused(till, payment):
    till.void(payment)

    again = till.void(payment)

    assert (again.status_code, again.json()["code"]) == (409, "payment_not_voidable")
    assert till.happened(payment)["cancel"] == (1, 4298)


def test_a_void_after_a_part_was_taken_lets_go_of_the_rest(till, several):
    till.capture(several, 1000, final=False)

    reply = till.void(several)

    assert reply.status_code == 200, reply.content
    assert reply.json()["status"] == "captured"
    assert amounts(several) == ("captured", 1000, 3298, 0)
    assert ("void", 3298) in rows(several)
    assert till.shop.holds(several.reference) == []
    assert OutboxEvent.objects.filter(type="payment.remainder_released").count() == 1
    assert not OutboxEvent.objects.filter(type="payment.voided").exists()


def test_the_same_key_again_is_answered_from_memory(till, payment):
    key = builders.a_key()
    first = till.void(payment, key=key)

    again = till.void(payment, key=key)

    assert (again.status_code, again.content) == (200, first.content)
    assert again["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("fault", LOST)
def test_a_lost_answer_is_202_and_then_the_hold_is_gone(till, payment, fault):
    till.shop.fault("cancel", fault, times=1, seconds=2)
    key = builders.a_key()

    reply = till.void(payment, key=key)
    assert (reply.status_code, reply.json()["status"]) == (202, "voiding")
    world.sweeps(4, seconds=3600)

    assert till.void(payment, key=key).status_code == 200
    assert amounts(payment) == ("voided", 0, 4298, 0)
    assert till.happened(payment)["cancel"] == (1, 4298)


def test_what_was_captured_meanwhile_is_captured_and_the_client_is_told(till, payment):
    world.capture_behind_our_back(payment)
    key = builders.a_key()

    reply = till.void(payment, key=key)

    assert (reply.status_code, reply.json()["code"]) == (409, "payment_already_captured")
    assert reply.json()["refunds"] == f"/v1/payments/{payment.reference}/refunds"
    assert amounts(payment) == ("captured", 4298, 0, 0)
    step = payment.transactions.get(kind="capture")
    assert (step.source, step.actor) == ("processor", "processor")
    assert till.void(payment, key=key).content == reply.content


def test_a_process_that_dies_over_a_void_releases_the_hold_once(till, payment, monkeypatch):
    world.die_after(monkeypatch, "void")
    key = builders.a_key()
    with pytest.raises(world.ProcessDied):
        till.void(payment, key=key)
    assert amounts(payment)[0] == "voiding"

    world.sweeps(3, seconds=600)

    assert amounts(payment) == ("voided", 0, 4298, 0)
    assert till.happened(payment)["cancel"] == (1, 4298)
    assert payment.transactions.get(kind="void").source == "api"
    assert IdempotencyKey.objects.get(key=key).response_status == 200


def test_a_release_is_sent_again_under_a_lease_that_began_after_the_look(
    till, payment, monkeypatch, limits
):
    till.shop.fault("cancel", "500_before", times=1)
    till.void(payment)
    world.later(600)

    with slow_processor(monkeypatch, "void") as left:
        world.sweep_only("resolve_unknown")

    assert [round(seconds) for seconds in left] == [limits.PAYMENT_LEASE_SECONDS]
    assert amounts(payment) == ("voided", 0, 4298, 0)


def test_a_void_that_is_refused_for_a_while_is_done_in_the_end(till, payment):
    till.shop.fault("cancel", "cancel_refused", times=2)

    assert till.void(payment).status_code == 202
    world.sweeps(6, seconds=3600)

    assert amounts(payment) == ("voided", 0, 4298, 0)


def test_a_processor_that_can_not_be_reached_keeps_the_void_for_later(till, payment):
    with world.processor_away():
        assert till.void(payment).status_code == 202
        world.sweeps(3, seconds=600)
        assert amounts(payment)[0] == "voiding"

    world.sweeps(2, seconds=3600)

    assert amounts(payment) == ("voided", 0, 4298, 0)


@pytest.mark.parametrize("state", ["voiding", "voided"])
def test_a_void_whose_commit_is_not_confirmed_is_made_once(till, payment, monkeypatch, state):
    lost = world.lose_commit(monkeypatch, when=Payment.objects.filter(state=state).exists)
    key = builders.a_key()
    assert till.void(payment, key=key).status_code in (200, 503)
    world.reconnect()
    assert lost

    world.sweeps(3, seconds=600)

    assert till.void(payment, key=key).status_code == 200
    assert till.happened(payment)["cancel"] == (1, 4298)

"""Giving money back: never more than was taken, each once, and followed until it can not fail."""

import pytest

from events.models import OutboxEvent
from foundation.models import AuditEntry, Case, IdempotencyKey
from payments.models import Payment, Refund
from payments.processors import processor
from payments.processors.base import Declined
from payments.processors.stripe import StripeProcessor
from payments.services.observe import look_and_observe
from tests import builders
from tests.stories import world
from tests.stories.payments.moves import amounts, rows, usd

LOST = ["timeout_after", "lost_reply", "500_after", "malformed", "empty"]
NEVER_CAME = ["timeout_before", "reset_before", "500_before"]


def told(kind):
    return OutboxEvent.objects.filter(type=kind).count()


def test_a_refund_of_all_gives_all_back_and_says_so(till, taken):
    reply = till.refund(taken, reason="came back")

    assert reply.status_code == 201
    body = reply.json()
    assert (body["status"], body["amount"], body["reason"]) == ("succeeded", usd(4298), "came back")
    assert reply["Location"] == f"/v1/refunds/{body['id']}"
    assert till.api.get(reply["Location"]).json() == body
    assert amounts(taken) == ("refunded", 4298, 0, 4298)
    assert till.happened(taken)["refund"] == (1, 4298)
    assert (told("refund.created"), told("refund.succeeded")) == (1, 1)
    entry = AuditEntry.objects.get(action="payment.refund")
    assert (entry.reason, entry.actor[:4]) == ("came back", "api:")


def test_several_refunds_give_back_their_parts_and_never_more_than_was_taken(till, taken):
    for amount in (1000, 2000, 1298):
        assert till.refund(taken, amount).status_code == 201
        taken.refresh_from_db()

    assert taken.state == "refunded"
    assert till.refund(taken, 1).status_code == 422
    assert [row for row in rows(taken) if row[0] == "refund"] == [
        ("refund", 1000), ("refund", 2000), ("refund", 1298),
    ]  # fmt: skip
    assert till.happened(taken)["refund"] == (3, 4298)
    listed = till.api.get(f"/v1/payments/{taken.reference}/refunds").json()["items"]
    assert [item["amount"]["amount"] for item in listed] == [1000, 2000, 1298]


def test_a_part_that_was_given_back_shows_in_state_and_amounts(till, taken):
    till.refund(taken, 1000)

    seen = till.seen(taken)
    assert seen["status"] == "partially_refunded"
    assert (seen["refunded"], seen["refundable"]) == (usd(1000), usd(3298))


@pytest.mark.parametrize("amount", [4299, 10**12])
def test_more_than_was_taken_is_refused_and_costs_no_key(till, taken, amount):
    key = builders.a_key()

    reply = till.refund(taken, amount, key=key)

    assert (reply.status_code, reply.json()["code"]) == (422, "amount_exceeds_refundable")
    assert reply.json()["refundable"] == usd(4298)
    assert not Refund.objects.exists()
    assert till.refund(taken, 4298, key=key).status_code == 201


def test_only_what_was_taken_of_a_hold_can_be_given_back(till, payment):
    till.capture(payment, 1000)

    assert till.refund(payment, 1001).status_code == 422
    assert till.refund(payment).json()["amount"] == usd(1000)


def test_a_refund_of_what_was_never_taken_points_to_the_void(till, payment):
    reply = till.refund(payment)

    assert (reply.status_code, reply.json()["code"]) == (409, "payment_not_captured")
    assert reply.json()["void"] == f"/v1/payments/{payment.reference}/void"
    till.void(payment)
    assert till.refund(payment).json()["code"] == "payment_not_captured"


def test_what_is_disputed_is_not_given_back_as_well(till, taken):
    Payment.objects.filter(pk=taken.pk).update(is_disputed=True, state="disputed")

    reply = till.refund(taken)

    assert (reply.status_code, reply.json()["code"]) == (409, "payment_disputed")
    assert "refund" not in till.happened(taken)


@pytest.mark.parametrize("body", [
    {"amount": usd(0)}, {"amount": {"amount": 100, "currency": "EUR"}}, {"reason": 7},
    {"reason": "x" * 501}, {"reason": "a\0b"}, {"to": "another card"},
])  # fmt: skip
def test_a_body_that_means_nothing_is_refused_without_a_trace(till, taken, body):
    reply = till.move(taken, "refunds", body)

    assert reply.status_code in (400, 422), reply.content
    assert not Refund.objects.exists()
    assert not IdempotencyKey.objects.filter(subject_kind="refund").exists()


def test_a_refund_refused_at_once_is_final_and_the_money_is_still_ours(till, taken):
    till.shop.fault("refund", "refund_fails", times=1)
    key = builders.a_key()

    reply = till.refund(taken, 1000, key=key)

    assert (reply.status_code, reply.json()["code"]) == (402, "refund_refused")
    assert till.refund(taken, 1000, key=key).content == reply.content
    assert amounts(taken) == ("captured", 4298, 0, 0)
    assert taken.refund_pending_amount == 0
    assert told("refund.failed") == 1
    assert till.refund(taken, 4298).status_code == 201


def test_a_refund_that_fails_weeks_later_is_owed_again_and_needs_a_person(till, taken):
    refund = till.refund(taken, 1000).json()["processor_reference"]

    till.backstage(f"refunds/{refund}/settle", status="failed")
    look_and_observe(taken.pk, by="test", source="processor")

    assert amounts(taken) == ("captured", 4298, 0, 0)
    assert ("refund_failure", 1000) in rows(taken)
    assert Refund.objects.get().state == "failed"
    assert (told("refund.succeeded"), told("refund.failed")) == (1, 1)
    case = Case.objects.get(kind="refund_came_back")
    assert (case.aggregate_id, case.amount) == (Refund.objects.get().pk, 1000)
    assert till.refund(taken, 4298).status_code == 201


def test_a_refund_that_the_bank_takes_days_for_is_201_pending_and_put_aside(till, taken):
    till.shop.fault("refund", "refund_pending", times=1, seconds=3600)

    reply = till.refund(taken, 1000)

    assert (reply.status_code, reply.json()["status"]) == (201, "pending")
    taken.refresh_from_db()
    assert (taken.state, taken.refund_pending_amount) == ("captured", 1000)
    assert till.refund(taken, 3299).status_code == 422
    till.backstage(f"refunds/{reply.json()['processor_reference']}/settle", status="succeeded")
    world.sweeps(2, seconds=86_400)
    assert amounts(taken) == ("partially_refunded", 4298, 0, 1000)
    assert till.api.get(reply["Location"]).json()["status"] == "succeeded"


@pytest.mark.parametrize("fault", [*LOST, *NEVER_CAME])
def test_a_lost_answer_is_202_and_then_the_money_goes_back_once(till, taken, fault):
    till.shop.fault("refund", fault, times=1, seconds=2)
    key = builders.a_key()

    reply = till.refund(taken, 1000, key=key)

    assert (reply.status_code, reply.json()["status"]) == (202, "pending")
    taken.refresh_from_db()
    assert taken.refund_pending_amount == 1000
    world.sweeps(6, seconds=3600)
    final = till.refund(taken, 1000, key=key)
    assert (final.status_code, final.json()["status"]) == (201, "succeeded")
    assert final.json()["id"] == reply.json()["id"]
    assert amounts(taken) == ("partially_refunded", 4298, 0, 1000)
    assert till.happened(taken)["refund"] == (1, 1000)


def test_not_found_is_no_proof_while_the_look_up_lags(till, taken, settings):
    settings.PROCESSOR_LOOKUP_LAG_SECONDS = 600.0
    till.shop.fault("refund", "lost_reply", times=1)
    till.shop.fault("list", "lookup_lag", seconds=300)
    till.refund(taken, 1000)

    world.sweeps(3, seconds=30)
    requests = till.shop.requests(taken.reference)
    assert len([r for r in requests if r["operation"] == "refund"]) == 1
    till.shop.heal()
    world.sweeps(2, seconds=700)

    assert till.happened(taken)["refund"] == (1, 1000)
    assert amounts(taken) == ("partially_refunded", 4298, 0, 1000)


def test_a_process_that_dies_over_a_refund_gives_the_money_back_once(till, taken, monkeypatch):
    world.die_after(monkeypatch, "refund")
    key = builders.a_key()
    with pytest.raises(world.ProcessDied):
        till.refund(taken, 1000, key=key)
    assert Refund.objects.get().state == "pending"

    world.sweeps(4, seconds=600)

    assert amounts(taken) == ("partially_refunded", 4298, 0, 1000)
    assert till.happened(taken)["refund"] == (1, 1000)
    assert IdempotencyKey.objects.get(key=key).response_status == 201


@pytest.mark.parametrize("state", ["pending", "succeeded"])
def test_a_refund_whose_commit_is_not_confirmed_is_made_once(till, taken, monkeypatch, state):
    lost = world.lose_commit(monkeypatch, when=Refund.objects.filter(state=state).exists)
    key = builders.a_key()
    assert till.refund(taken, 1000, key=key).status_code in (201, 202)
    world.reconnect()
    assert lost

    world.sweeps(4, seconds=600)

    assert till.refund(taken, 1000, key=key).status_code == 201
    assert till.happened(taken)["refund"] == (1, 1000)


def test_a_refund_refused_because_somebody_gave_it_back_elsewhere_learns_of_that(till, taken):
    processor("stripe").refund(
        processor_reference=taken.processor_reference,
        amount=4298,
        key=builders.a_key(),
        reference="",
    )

    reply = till.refund(taken, 1000)

    assert reply.status_code == 402
    assert reply.json()["failure_code"] == "charge_already_refunded"
    assert amounts(taken) == ("refunded", 4298, 0, 4298)


def test_a_refund_waits_while_the_payment_is_in_doubt(till, several):
    till.capture(several, 1000, final=False)
    till.shop.fault("capture", "timeout_before", times=1, seconds=2)
    till.capture(several, 500, final=False)
    till.shop.fault("retrieve", "500_before")

    reply = till.refund(several, 100)

    assert (reply.status_code, reply.json()["code"]) == (409, "payment_in_progress")
    assert not Refund.objects.exists()


def test_another_client_sees_neither_refund_nor_dispute(till, taken, another_api):
    refund = till.refund(taken, 1000).json()["id"]

    assert another_api.get(f"/v1/refunds/{refund}").status_code == 404
    assert another_api.get(f"/v1/payments/{taken.reference}/refunds").status_code == 404
    assert another_api.get("/v1/disputes").json()["items"] == []


def test_a_refund_carries_an_etag(till, taken):
    url = till.refund(taken, 1000)["Location"]
    tag = till.api.get(url)["ETag"]

    again = till.api.client.get(
        url, headers={"Authorization": f"Bearer {till.api.key}", "If-None-Match": tag}
    )

    assert again.status_code == 304


def test_a_refund_that_the_bank_never_carried_out_needs_a_person(till, taken):
    till.shop.fault("refund", "refund_pending", times=1, seconds=3600)
    refund = till.refund(taken, 4298).json()["processor_reference"]

    till.backstage(f"refunds/{refund}/settle", status="failed")
    look_and_observe(taken.pk, by="test", source="processor")

    assert amounts(taken) == ("captured", 4298, 0, 0)
    assert taken.refund_pending_amount == 0
    case = Case.objects.get(kind="refund_came_back")
    assert (case.aggregate_id, case.amount) == (Refund.objects.get().pk, 4298)


def test_an_answer_that_comes_after_the_news_leaves_the_ended_refund_alone(
    till, taken, monkeypatch
):
    def news():
        look_and_observe(taken.pk, by="test", source="processor")

    world.meanwhile_after(monkeypatch, "refund", news)

    assert till.refund(taken, 1000).status_code == 201

    made = Refund.objects.get()
    assert (made.state, made.leased_until, made.resolve_at) == ("succeeded", None, None)


def test_a_late_refusal_does_not_undo_a_refund_that_the_processor_has_shown(
    till, taken, monkeypatch
):
    """Sent twice by its own key's replacement, the second is refused after the first was seen."""
    real = StripeProcessor.refund

    def refused_late(self, **asked):
        monkeypatch.setattr(StripeProcessor, "refund", real)
        real(self, **asked)
        world.elsewhere(lambda: look_and_observe(taken.pk, by="test", source="processor"))
        raise Declined("charge_already_refunded")

    monkeypatch.setattr(StripeProcessor, "refund", refused_late)

    assert till.refund(taken, 1000).status_code == 201

    assert Refund.objects.get().state == "succeeded"
    assert amounts(taken) == ("partially_refunded", 4298, 0, 1000)
    assert taken.refund_pending_amount == 0

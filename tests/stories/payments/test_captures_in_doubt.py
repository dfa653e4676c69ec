"""A capture that dies on any line, or whose answer is lost: exactly what was claimed, once."""

import pytest
from django.db import OperationalError

from foundation.models import IdempotencyKey
from payments.models import Payment
from payments.processors.stripe import StripeProcessor
from payments.services import capture, resolve
from tests import builders
from tests.stories import world
from tests.stories.payments.moves import amounts, rows, usd

LOST = ["timeout_after", "lost_reply", "500_after", "malformed", "empty"]
NEVER_CAME = ["timeout_before", "reset_before", "500_before"]
SIX_HOURS = 6 * 3600


def capture_keys(till, payment):
    requests = till.shop.requests(payment.reference)
    return [r["idempotency_key"] for r in requests if r["operation"] == "capture"]


@pytest.mark.parametrize("fault", [*LOST, *NEVER_CAME])
def test_a_lost_answer_is_202_and_then_what_really_happened(till, payment, fault):
    till.shop.fault("capture", fault, times=1, seconds=2)
    key = builders.a_key()

    reply = till.capture(payment, 1000, key=key)

    assert reply.status_code == 202, reply.content
    assert (reply.json()["status"], reply.json()["amount"]) == ("pending", usd(1000))
    assert reply["Location"] == f"/v1/payments/{payment.reference}"
    assert int(reply["Retry-After"]) > 0
    assert amounts(payment)[0] == "capturing"

    world.sweeps(6, seconds=3600)

    final = till.capture(payment, 1000, key=key)
    assert final.status_code == 201
    assert final.json()["id"] == reply.json()["id"]
    assert amounts(payment) == ("captured", 1000, 3298, 0)
    assert till.happened(payment)["capture"] == (1, 1000)


@pytest.mark.parametrize("fault", ["timeout_before", "reset_before"])
def test_an_attempt_that_may_still_be_on_its_way_keeps_its_key(till, several, fault):
    till.shop.fault("capture", fault, times=3, seconds=2)

    till.capture(several, 1000, final=False)
    world.sweeps(8, seconds=SIX_HOURS)

    assert amounts(several) == ("partially_captured", 1000, 0, 0)
    assert len(set(capture_keys(till, several))) == 1
    assert till.happened(several)["capture"] == (1, 1000)


def test_not_found_is_no_proof_while_the_look_up_lags(till, payment, settings):
    settings.PROCESSOR_LOOKUP_LAG_SECONDS = 600.0
    till.shop.fault("capture", "reset_before", times=1)
    till.capture(payment)

    world.later(120)
    resolve.resolve_unknown(limit=5)

    assert amounts(payment)[0] == "capturing"
    assert len(capture_keys(till, payment)) == 1


def test_a_process_that_dies_over_a_capture_takes_what_was_claimed_once(till, several, monkeypatch):
    world.die_after(monkeypatch, "capture")
    with pytest.raises(world.ProcessDied):
        till.capture(several, 1500, final=False)
    assert amounts(several)[0] == "capturing"

    world.sweeps(5, seconds=3600)

    assert amounts(several) == ("partially_captured", 1500, 0, 0)
    assert till.happened(several)["capture"] == (1, 1500)


def test_a_process_that_dies_before_it_sends_is_finished_without_its_client(
    till, payment, monkeypatch
):
    def died(payment):
        raise world.ProcessDied

    key = builders.a_key()
    with monkeypatch.context() as patched:
        patched.setattr(capture, "capture_call", died)
        with pytest.raises(world.ProcessDied):
            till.capture(payment, 1000, key=key)

    world.sweeps(5, seconds=3600)

    assert amounts(payment) == ("captured", 1000, 3298, 0)
    assert IdempotencyKey.objects.get(key=key).response_status == 201


def test_the_sweep_finishes_the_key_of_a_client_that_never_comes_back(till, payment):
    till.shop.fault("capture", "lost_reply", times=1)
    key = builders.a_key()
    till.capture(payment, key=key)

    world.sweeps(3, seconds=600)

    row = IdempotencyKey.objects.get(key=key)
    assert (row.state, row.response_status) == ("completed", 201)


def test_a_payment_in_doubt_is_resolved_by_the_next_request_about_it(till, several):
    till.shop.fault("capture", "lost_reply", times=1)
    till.capture(several, 1000, final=False)
    assert amounts(several)[0] == "capturing"

    reply = till.capture(several, 2000, final=False)

    assert reply.status_code == 201
    assert amounts(several) == ("partially_captured", 3000, 0, 0)
    assert till.happened(several)["capture"] == (2, 3000)


def test_a_payment_somebody_is_at_work_on_is_409_and_the_key_stays_usable(
    till, payment, monkeypatch
):
    key, told = builders.a_key(), []
    world.meanwhile(
        monkeypatch, "capture", lambda: told.append(till.capture(payment, 500, key=key))
    )

    assert till.capture(payment, 1000).status_code == 201

    (early,) = told
    assert (early.status_code, early.json()["code"]) == (409, "payment_in_progress")
    assert int(early["Retry-After"]) > 0
    assert till.capture(payment, 500, key=key).json()["code"] == "payment_already_captured"
    assert till.happened(payment)["capture"] == (1, 1000)


@pytest.mark.parametrize("state", ["capturing", "captured"])
def test_a_capture_whose_commit_is_not_confirmed_is_made_once(till, payment, monkeypatch, state):
    key = builders.a_key()
    lost = world.lose_commit(monkeypatch, when=Payment.objects.filter(state=state).exists)
    reply = till.capture(payment, 1000, key=key)
    world.reconnect()
    assert lost
    assert reply.status_code in (200, 201, 202)

    world.sweeps(3, seconds=600)

    assert till.capture(payment, 1000, key=key).status_code == 201
    assert amounts(payment) == ("captured", 1000, 3298, 0)
    assert till.happened(payment)["capture"] == (1, 1000)


def test_a_resumed_capture_sends_exactly_what_was_claimed(till, several, monkeypatch):
    sent = []
    real = StripeProcessor.capture

    def spied(self, **asked):
        sent.append((asked["amount"], asked["final"], asked["key"]))
        return real(self, **asked)

    monkeypatch.setattr(StripeProcessor, "capture", spied)
    till.shop.fault("capture", "reset_before", times=1)
    till.capture(several, 1234, final=False)
    world.sweeps(3, seconds=600)

    key = f"{several.reference}-capture-1-1"
    assert sent == [(1234, False, key), (1234, False, key)]
    assert ("capture", 1234) in rows(several)


def test_a_claim_is_closed_by_its_holder_only(till, payment, monkeypatch):
    slow = []
    real = StripeProcessor.capture

    def overtaken(self, **asked):
        answer = real(self, **asked)
        if not slow:
            slow.append(asked)
            world.later(76)
            world.elsewhere(lambda: resolve.resolve_unknown(limit=5))
        return answer

    monkeypatch.setattr(StripeProcessor, "capture", overtaken)
    reply = till.capture(payment, 1000)

    assert reply.status_code in (201, 409)
    assert amounts(payment) == ("captured", 1000, 3298, 0)
    assert payment.transactions.filter(kind="capture").count() == 1


def test_the_lost_line_of_a_database_is_no_refusal(till, payment, monkeypatch):
    def cut(*args, **kwargs):
        raise OperationalError("the line is cut")

    with monkeypatch.context() as patched:
        patched.setattr("payments.services.capture.hold.follow", cut)
        reply = till.capture(payment, 1000)
    assert reply.status_code == 503

    world.sweeps(3, seconds=600)

    assert amounts(payment) == ("captured", 1000, 3298, 0)
    assert till.happened(payment)["capture"] == (1, 1000)

"""A capture, release or refund on whose COMMIT the line breaks: told as it is, and done once."""

import pytest

from foundation.models import IdempotencyKey
from payments.models import Payment
from tests import builders
from tests.invariants.test_rules import broken
from tests.stories import world

T1, CLOSE, T2 = 1, 2, 3
MOVES = {"capture": ("capture", 201), "void": ("cancel", 200), "refund": ("refund", 201)}


def do(till, payment, verb, *, key):
    return getattr(till, verb)(payment, key=key, **({} if verb == "capture" else {"reason": "x"}))


@pytest.mark.parametrize("is_sent", [True, False])
@pytest.mark.parametrize("number", [T1, CLOSE, T2])
@pytest.mark.parametrize("verb", sorted(MOVES))
def test_what_became_of_the_commit_is_told_and_the_money_moves_once(
    till, payment, monkeypatch, verb, number, is_sent
):
    if verb == "refund":
        assert till.capture(payment).status_code == 201
    effect, status = MOVES[verb]
    key = builders.a_key()
    with monkeypatch.context() as patched:
        world.cut_the_line_at_commit(patched, number=number, is_sent=is_sent)
        first = do(till, payment, verb, key=key)
    assert first.status_code in (status, 202), first.content

    world.drive_everything(4)

    again = do(till, payment, verb, key=key)
    assert again.status_code == status, again.content
    if first.status_code == status:
        assert again.content == first.content
    assert till.happened(Payment.objects.get())[effect][0] == 1
    assert not IdempotencyKey.objects.filter(state="in_progress").exists()
    assert broken() == set()

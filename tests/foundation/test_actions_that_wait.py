"""An action whose outcome is not known yet: how often it is looked at, and who hears of its end."""

import itertools

import pytest

from foundation import actions
from foundation.actions import Action, Wish
from foundation.idempotency import Answer
from foundation.models import IdempotencyKey
from tests.stories import world

WISH = Wish("a client:POST /x", "key-1", {})


@pytest.fixture
def settled():
    """What became of it: nothing yet."""
    return []


@pytest.fixture
def waiting(transactional_db, settled):
    """An action that was asked for, and has no outcome."""

    def finish(_subject_id):
        return Answer(201, b"made") if settled else None

    action = Action("parcel", finish, lambda subject_id: finish(subject_id) or Answer(202, b"wait"))
    assert ask(action).answer.status == 202
    return action


def ask(action):
    return actions.perform(action, WISH, begin=lambda _: None)


def sweep(action):
    return actions.recover({action.kind: action}, limit=5)


def test_the_longer_it_hangs_the_longer_it_is_left_alone(waiting):
    looked_at = []
    for minute in range(60):
        world.later(seconds=60)
        if sweep(waiting):
            looked_at.append(minute)

    pauses = [later - sooner for sooner, later in itertools.pairwise(looked_at)]
    assert len(looked_at) < 10
    assert pauses == sorted(pauses)


def test_who_repeats_it_hears_of_its_end_however_long_the_pause(waiting, settled):
    world.later(seconds=3600)
    sweep(waiting)
    settled.append(True)

    assert ask(waiting).answer == Answer(201, b"made")

    assert IdempotencyKey.objects.get().state == "completed"
    assert ask(waiting).is_replay


def test_who_repeats_it_before_its_end_is_told_how_it_stands_and_nothing_is_stored(waiting):
    world.later(seconds=3600)
    sweep(waiting)

    assert ask(waiting).answer == Answer(202, b"wait")

    assert IdempotencyKey.objects.get().is_paused


def test_what_is_still_to_be_sent_is_tried_at_every_sweep(transactional_db):
    action = Action("parcel", lambda _: None, lambda _: Answer(503, b"nothing was sent"))
    ask(action)
    world.later(seconds=3600)

    tries = []
    for _ in range(5):
        world.later(seconds=60)
        tries.append(sweep(action))

    assert tries == [1] * 5


def test_an_end_that_was_stored_is_told_although_the_commit_was_not_confirmed(
    waiting, settled, monkeypatch
):
    settled.append(True)
    ended = IdempotencyKey.objects.filter(state="completed")
    lost = world.lose_commit(monkeypatch, when=ended.exists)

    reply = ask(waiting)
    world.reconnect()

    assert lost
    assert reply.answer == Answer(201, b"made")

"""Keys are kept for as long as they may be asked for, and reaped only when their story is over."""

import datetime as dt

import pytest

from foundation import clock, idempotency, reaping
from foundation.idempotency import Answer
from foundation.ids import new_id
from foundation.models import IdempotencyKey
from tests import builders

WEEK = dt.timedelta(days=7)


def a_key(*, subject=None):
    return IdempotencyKey.objects.create(
        scope="somebody:POST /v1/things", key=builders.a_key(), fingerprint=b"f" * 32,
        subject_kind="thing", subject_id=subject or new_id(),
        leased_until=idempotency.from_now(60),
    )  # fmt: skip


def an_ended_key(**facts):
    key = a_key(**facts)
    idempotency.complete(key, Answer(201, b"{}"))
    return key


def reap(limit=10):
    return reaping.reap(older_than=WEEK, limit=limit)


@pytest.mark.django_db
def test_an_ended_key_is_reaped_after_its_time_and_not_before():
    an_ended_key()
    clock.move(WEEK - dt.timedelta(minutes=1))
    assert reap() == 0
    clock.move(dt.timedelta(minutes=2))
    assert reap() == 1
    assert not IdempotencyKey.objects.exists()


@pytest.mark.django_db
def test_an_open_key_is_never_reaped_however_old():
    a_key()
    clock.move(WEEK * 52)
    assert reap() == 0
    assert IdempotencyKey.objects.count() == 1


@pytest.mark.django_db
def test_a_key_whose_saga_goes_on_under_the_systems_key_is_kept():
    answered = an_ended_key()
    successor = a_key(subject=answered.subject_id)
    clock.move(WEEK * 2)
    assert reap() == 0

    idempotency.complete(successor, Answer(201, b"{}"))
    assert reap() == 1  # the client's; the system's has only just ended


@pytest.mark.django_db
def test_more_than_a_batch_is_reaped_in_batches():
    for _ in range(5):
        an_ended_key()
    clock.move(WEEK * 2)
    assert reap(limit=2) == 5

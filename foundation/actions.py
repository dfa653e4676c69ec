"""One key, one effect, for everything that is not a saga: capture, refund, void, ship, count.

    T1    claim the key and, in the same transaction, claim what the action is about
    call  whatever must be asked elsewhere, with no transaction open
    T2    complete the key with the answer that the rows now give

`begin` may refuse: then T1 rolls back, nothing is stored and the same key may be used again.
After T1 only `finish` counts. It reads rows, so it may run again after any crash: by a repeat
of the request, or by the sweep, whoever takes the dead lease over first.
"""

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings

from foundation import clock, idempotency, poison
from foundation.claiming import begin_surely
from foundation.idempotency import Answer, Claim, InProgress, Lease, Overtaken
from foundation.idempotency_header import fingerprint
from foundation.ids import new_id
from foundation.models import IdempotencyKey
from foundation.transactions import CommitInDoubt, durable, surely

_log = logging.getLogger(__name__)
_RETRY_SECONDS: Final = 5.0
_RETRY_SECONDS_MAX: Final = 24 * 3600.0
# Answers that are not final: nobody knows; nothing was sent, and it still must be.
_UNKNOWN: Final = 202
_IN_BETWEEN: Final = (_UNKNOWN, 503)


@dataclass(frozen=True)
class Action:
    """`finish(subject_id)` → the final answer, or None while the outcome is not known.

    `for_now(subject_id)` is the 202 that is sent, and not stored, meanwhile.
    """

    kind: str
    finish: Callable[[uuid.UUID], Answer | None]
    for_now: Callable[[uuid.UUID], Answer]


@dataclass(frozen=True)
class Wish:
    """Who wants what, under which key. `route` is the template's, with the id filled in."""

    scope: str
    key: str
    body: Any


@dataclass(frozen=True)
class Reply:
    """What to send, and whether it was sent before."""

    answer: Answer
    is_replay: bool = False


def perform(action: Action, wish: Wish, *, begin: Callable[[uuid.UUID], object]) -> Reply:
    """Do it once, however often this is called with one key.

    `begin(subject_id)` runs inside T1 and claims, or raises the `DomainError` the client hears.
    Raises `KeyReused` and `InProgress` as well.
    """
    try:
        claim = _begin_surely(action, wish, begin)
    except InProgress as running:
        if running.row is None or not running.row.is_paused:
            raise
        return _meanwhile(action, running.row.subject_id)
    if claim.answer is not None:
        return Reply(claim.answer, is_replay=True)
    return _go_on(action, claim.row)


def _go_on(action: Action, row: IdempotencyKey) -> Reply:
    try:
        return Reply(_carry_on(action, row))
    except CommitInDoubt:
        return Reply(_what_is_true(action, row))


def _meanwhile(action: Action, subject_id: uuid.UUID) -> Reply:
    """While it waits: how it stands. What was settled meanwhile is stored before it is said."""
    answer = action.for_now(subject_id)
    if answer.status in _IN_BETWEEN:
        return Reply(answer)
    row = idempotency.take_over(
        subject_id=subject_id, lease_seconds=settings.CHECKOUT_LEASE_SECONDS
    )
    if row is None:
        raise InProgress  # somebody stores it at this moment
    return _go_on(action, row)


def recover(actions: Mapping[str, Action], *, limit: int) -> int:
    """Take over up to `limit` actions whose runner is gone; returns how many it took."""
    give_up_at = time.monotonic() + settings.SWEEP_BUDGET_SECONDS
    taken = 0
    left_behind = idempotency.kinds_left_behind()
    for kind, action in actions.items():
        if kind not in left_behind:
            continue
        poison.park(kind=kind, limit=limit)
        while taken < limit and time.monotonic() < give_up_at:
            rows = idempotency.take_over_expired(
                kind=kind, lease_seconds=settings.CHECKOUT_LEASE_SECONDS, limit=1
            )
            if not rows:
                break
            taken += 1
            _recover_one(action, rows[0])
    return taken


def _begin_surely(action: Action, wish: Wish, begin: Callable[[uuid.UUID], object]) -> Claim:
    subject = (action.kind, new_id())
    return begin_surely(
        lambda begun: _begin(wish, subject, begin, begun), claim_of=lambda claim: claim
    )


def _begin(
    wish: Wish,
    subject: tuple[str, uuid.UUID],
    begin: Callable[[uuid.UUID], object],
    begun: list[Claim],
) -> Claim:
    with durable():
        claim = idempotency.claim(
            scope=wish.scope,
            key=wish.key,
            fingerprint=fingerprint(wish.scope, wish.body),
            lease_seconds=settings.CHECKOUT_LEASE_SECONDS,
            subject=subject,
        )
        if claim.is_new:
            begin(subject[1])
        begun.append(claim)
    return claim


def _carry_on(action: Action, row: IdempotencyKey) -> Answer:
    lease = Lease(row.pk, row.lease_token, settings.CHECKOUT_LEASE_SECONDS)
    final = action.finish(row.subject_id)
    answer = final or action.for_now(row.subject_id)
    is_final = final is not None
    try:
        surely(lambda: _store(lease, answer, is_final=is_final), happened=lambda: _is_stored(lease))
    except Overtaken as overtaken:
        raise InProgress from overtaken
    return answer


def _store(lease: Lease, answer: Answer, *, is_final: bool) -> bool:
    with lease.held() as key:
        if is_final:
            idempotency.complete(key, answer)
        else:
            idempotency.postpone(key, seconds=_pause(key, answer))
    return True


def _pause(key: IdempotencyKey, answer: Answer) -> float:
    """Of an outcome in doubt as long again as it has waited: others ask about it, at their pace.

    What is still to be sent is tried at every sweep: a hold does not wait.
    """
    if answer.status != _UNKNOWN:
        return _RETRY_SECONDS
    waited = (clock.now() - key.created_at).total_seconds()
    return min(max(_RETRY_SECONDS, waited), _RETRY_SECONDS_MAX)


def _is_stored(lease: Lease) -> bool | None:
    """Whether the COMMIT in doubt happened; its row's lock waits for one that is under way."""
    with durable():
        key = idempotency.locked(lease.key_id)
    return True if key.is_paused or key.state != IdempotencyKey.State.IN_PROGRESS else None


def _what_is_true(action: Action, row: IdempotencyKey) -> Answer:
    """A COMMIT on the way was not confirmed: the stored answer, or the rest of the work."""
    with durable():
        found = idempotency.locked(row.pk)  # waits for a commit that is still under way
    if found.lease_token != row.lease_token:
        raise InProgress
    if found.state != IdempotencyKey.State.IN_PROGRESS:
        return idempotency.stored_answer(IdempotencyKey.objects.get(pk=row.pk))
    return _carry_on(action, row)


def _recover_one(action: Action, row: IdempotencyKey) -> None:
    try:
        _carry_on(action, row)
    except InProgress:
        _log.info("actions: %s %s went on in other hands", action.kind, row.subject_id)
    except Exception:  # noqa: BLE001 - logged with its trace; its lease brings it back
        _log.exception("actions: %s %s could not be finished", action.kind, row.subject_id)

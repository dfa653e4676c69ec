"""One key, one effect: the claim, the lease with its fencing token, the stored answer.

A key is claimed by one INSERT against a unique constraint; whoever does not win reads the
row under a lock and is told what became of it. The claim is committed before anything is
sent to anybody; the answer is stored in the transaction that makes it true.

Conflict rules: draft-ietf-httpapi-idempotency-key-header-07.
"""

import datetime as dt
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from django.db import connection

from foundation import clock, rows
from foundation.errors import DomainError
from foundation.models import IdempotencyKey
from foundation.transactions import durable

State = IdempotencyKey.State
SYSTEM_SCOPE: Final = "system"
_CLAIM_TRIES: Final = 3


class KeyReused(DomainError):
    """The key was used before with another body."""

    code, status, title = (
        "idempotency_key_reused",
        422,
        "This Idempotency-Key was used with another request",
    )
    retryable, retry_with = True, "new_key"


class InProgress(DomainError):
    """The first request with this key is still at work."""

    code, status, title = (
        "idempotency_in_progress",
        409,
        "The first request with this key is still running",
    )
    retryable, retry_with = True, "same_key"

    def __init__(self, row: IdempotencyKey | None = None) -> None:
        super().__init__("Repeat the same request with the same key.", headers={"Retry-After": "1"})
        self.row = row


class Overtaken(Exception):
    """Somebody with a newer token took over; the holder of the old one must write nothing."""


@dataclass(frozen=True)
class Answer:
    """A response as it was, or will be, sent: status, exact bytes, the headers worth replaying."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Lease:
    """The right to write for one key, until somebody holds a newer token.

    It lasts `seconds` from the claim, and as long again from each `renew`.
    """

    key_id: uuid.UUID
    token: int
    seconds: float
    taken_at: float = field(default_factory=time.monotonic)

    def check(self) -> None:
        """Before each call out. A process that slept through its lease must not wake and send."""
        if time.monotonic() - self.taken_at >= self.seconds:
            raise Overtaken(f"key {self.key_id}: the lease of token {self.token} is over")

    @contextmanager
    def held(self) -> Iterator[IdempotencyKey]:
        """One durable transaction under the key's row lock. Raises `Overtaken` when fenced off."""
        with durable():
            row = locked(self.key_id)
            if row.lease_token != self.token or row.state != State.IN_PROGRESS:
                raise Overtaken(f"key {self.key_id}: token {self.token} is stale")
            yield row


_OPEN_FIELDS: Final = (
    "id", "scope", "key", "fingerprint", "state", "subject_kind", "subject_id", "lease_token",
    "leased_until", "is_paused", "created_at",
)  # fmt: skip
_LOCK: Final = f"""
    SELECT {", ".join(_OPEN_FIELDS)} FROM foundation_idempotencykey
    WHERE id = %s FOR NO KEY UPDATE
"""  # noqa: S608 - our own column names


def locked(key_id: uuid.UUID) -> IdempotencyKey:
    """The row under its lock; plain SQL, because every checkout goes through here."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [key_id])
        values = cursor.fetchone()
    if values is None:
        raise Overtaken(f"key {key_id} is gone")
    return IdempotencyKey.from_db(connection.alias, _OPEN_FIELDS, values)


@dataclass(frozen=True)
class Claim:
    """What a request with a key may do: `start`, `resume` a dead one, or hear the `answer`."""

    row: IdempotencyKey
    is_new: bool = False
    answer: Answer | None = None


def claim(
    *,
    scope: str,
    key: str,
    fingerprint: bytes,
    lease_seconds: float,
    subject: tuple[str, uuid.UUID],
) -> Claim:
    """Claim the key for `subject` (kind, id) inside the caller's transaction.

    Raises `KeyReused` (other body, told before anything else) or `InProgress` (lease alive).
    """
    fresh = IdempotencyKey(
        scope=scope,
        key=key,
        fingerprint=fingerprint,
        subject_kind=subject[0],
        subject_id=subject[1],
        leased_until=from_now(lease_seconds),
    )
    for _ in range(_CLAIM_TRIES):
        if _insert(fresh):
            return Claim(row=fresh, is_new=True)
        # A new statement: the winner's row is not in the losing INSERT's snapshot.
        rows_of_key = IdempotencyKey.objects.select_for_update(no_key=True)
        row = rows_of_key.filter(scope=scope, key=key).first()
        if row is not None:
            return _decide(row, fingerprint, lease_seconds)
        # It was reaped between the two statements: the key is anybody's again.
    raise InProgress


def _insert(row: IdempotencyKey) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO foundation_idempotencykey
                (id, scope, key, fingerprint, state, subject_kind, subject_id,
                 lease_token, leased_until, is_paused, created_at, response_headers)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, FALSE, %s, '{}')
            ON CONFLICT (scope, key) DO NOTHING
            """,
            [
                row.pk, row.scope, row.key, bytes(row.fingerprint), row.state, row.subject_kind,
                row.subject_id, row.lease_token, row.leased_until, row.created_at,
            ],
        )  # fmt: skip
        return bool(cursor.rowcount == 1)


def _decide(row: IdempotencyKey, fingerprint: bytes, lease_seconds: float) -> Claim:
    if bytes(row.fingerprint) != fingerprint:
        raise KeyReused("The body differs from the one first sent with this key.")
    if row.state != State.IN_PROGRESS:
        return Claim(row=row, answer=stored_answer(row))
    if row.leased_until > clock.now():
        raise InProgress(row)
    _take(row, lease_seconds)
    return Claim(row=row)


def _take(row: IdempotencyKey, lease_seconds: float) -> None:
    """Raise the token. A lease that ended without a pause is a runner that died: it is counted."""
    token, until = row.lease_token + 1, from_now(lease_seconds)
    crashes = 0 if row.is_paused else row.crashes + 1
    _write(row, lease_token=token, leased_until=until, is_paused=False, crashes=crashes)


def _write(row: IdempotencyKey, **values: Any) -> None:
    """Change an open key we hold the row lock of. Guarded all the same: an ended key is final."""
    guard = {"state": State.IN_PROGRESS, "lease_token": row.lease_token}
    if not rows.update(row, guard=guard, **values):
        raise Overtaken(f"key {row.pk}: token {row.lease_token} is stale")


def kinds_left_behind() -> set[str]:
    """The kinds of sagas of which some lease has ended: one look, without a lock.

    It spares the sweeps, which mostly find nothing, a transaction for each kind.
    """
    left = IdempotencyKey.objects.filter(state=State.IN_PROGRESS, leased_until__lte=clock.now())
    return set(left.values_list("subject_kind", flat=True).distinct())


def take_over_expired(*, kind: str, lease_seconds: float, limit: int) -> list[IdempotencyKey]:
    """Take every expired lease of this kind (at most `limit`) that nobody else is taking.

    Those whose runners died `CRASHES_MAX` times in a row are left (`foundation/poison.py`).
    """
    with durable():
        taken = list(
            IdempotencyKey.objects.select_for_update(no_key=True, skip_locked=True)
            .filter(state=State.IN_PROGRESS, subject_kind=kind, leased_until__lte=clock.now())
            .filter(crashes__lt=settings.CRASHES_MAX)
            .order_by("leased_until")[:limit]
        )
        for row in taken:
            _take(row, lease_seconds)
    return taken


def take_over(*, subject_id: uuid.UUID, lease_seconds: float) -> IdempotencyKey | None:
    """Take the open key of one saga if its lease is over (or paused); None when it is not free."""
    with durable():
        row = (
            IdempotencyKey.objects.select_for_update(no_key=True, skip_locked=True)
            .filter(state=State.IN_PROGRESS, subject_id=subject_id)
            .first()
        )
        if row is None or not (row.is_paused or row.leased_until <= clock.now()):
            return None
        _take(row, lease_seconds)
    return row


def renew(row: IdempotencyKey, *, seconds: float) -> Lease:
    """The holder is alive and about to call out again: the same token, for as long again."""
    _write(row, leased_until=from_now(seconds))
    return Lease(row.pk, row.lease_token, seconds)


def complete(row: IdempotencyKey, answer: Answer, *, abandoned: bool = False) -> None:
    """Store the final answer, in the transaction that makes it true."""
    _write(
        row,
        state=State.ABANDONED if abandoned else State.COMPLETED,
        completed_at=clock.now(),
        response_status=answer.status,
        response_body=answer.body,
        response_headers=answer.headers,
    )


def postpone(row: IdempotencyKey, *, seconds: float) -> None:
    """Nobody works on this until `seconds` from now; then whoever comes first takes over."""
    _write(row, leased_until=from_now(seconds), is_paused=True)


def open_successor(row: IdempotencyKey, *, seconds: float) -> IdempotencyKey:
    """The system's own key for a saga whose client was already answered (202).

    It is what the finishing transaction completes, so that "the order and its key commit
    together" holds on every path, and its unique row stops a second finisher.
    """
    return IdempotencyKey.objects.create(
        scope=SYSTEM_SCOPE,
        key=f"finalize:{row.subject_id}",
        fingerprint=row.fingerprint,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        leased_until=from_now(seconds),
        is_paused=True,
    )


def stored_answer(row: IdempotencyKey) -> Answer:
    """What was answered, byte for byte."""
    if row.response_status is None or row.response_body is None:
        raise RuntimeError(f"key {row.pk} is {row.state} without an answer")
    return Answer(row.response_status, bytes(row.response_body), dict(row.response_headers))


def from_now(seconds: float) -> dt.datetime:
    """The moment `seconds` from now."""
    return clock.now() + dt.timedelta(seconds=seconds)

"""The engine of every saga: one short transaction, then one call out, until it ends.

A saga is a list of steps, read top to bottom. Steps at home share one transaction; a step
that calls out is told its intent inside that transaction, which is committed before the
call, and its answer is recorded in the next one. So the number of commits is the number of
calls plus one, and a crash anywhere leaves a row that says exactly how far we came.

* A refusal turns the saga around: the direction is stored with everything else before any
  undoing that calls out, and compensations run in reverse from the step in flight.
* A pause (outcome unknown, a customer or a person must act) commits what is known and stops.
* First run, client retry and recovery sweep are the same code: `advance` looks only at rows.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from django.db import models

from foundation import clock, idempotency
from foundation.errors import DomainError
from foundation.idempotency import Lease
from foundation.models import IdempotencyKey

FORWARD: Final = "forward"
BACKWARD: Final = "backward"
_CALLS_MAX: Final = 12  # a saga that calls out more often than this in one run is going in circles


class Refused(DomainError):
    """A business refusal: final, stored as the answer, and everything done so far is undone."""


class Pause(Exception):
    """Commit what is known and stop: the saga goes on in `seconds`, or when somebody acts.

    `others_go_on`: a compensation that can not go on by itself, and that the others need not
    wait for.
    """

    def __init__(self, state: str, *, seconds: float, others_go_on: bool = False) -> None:
        super().__init__(state)
        self.state = state
        self.seconds = seconds
        self.others_go_on = others_go_on


class GoingInCircles(RuntimeError):
    """More calls out in one run than any saga needs: a step does not recognise its own answer."""


class SagaMemory(models.Model):
    """What a saga remembers: how far it came, which way it goes, why it turned around."""

    recovery_point = models.CharField(max_length=32, default="started")
    direction = models.CharField(
        max_length=8, default=FORWARD, choices=[(FORWARD, FORWARD), (BACKWARD, BACKWARD)]
    )
    refusal = models.JSONField(null=True, blank=True)
    step_log = models.JSONField(default=list)

    class Meta:
        abstract = True

    def note(self, event: str) -> None:
        """Append one line to the log that is saved with the memory; a repeat is counted."""
        moment = clock.now().isoformat().replace("+00:00", "Z")
        last = self.step_log[-1] if self.step_log else {}
        if last.get("step") == event:
            again = {**last, "times": last.get("times", 1) + 1, "last_at": moment}
            self.step_log = [*self.step_log[:-1], again]
        else:
            self.step_log = [*self.step_log, {"step": event, "at": moment}]

    def turn_back(self, refusal: DomainError) -> None:
        """From now on compensations run; the refusal is what the client will hear."""
        self.direction = BACKWARD
        self.refusal = {
            "code": refusal.code,
            "detail": refusal.detail,
            "errors": refusal.errors,
            "extra": refusal.extra,
        }
        self.note(f"refused: {refusal.code}")


M = TypeVar("M", bound=SagaMemory)
Call = Callable[[], Any]
Record = Callable[[M, Any], None]


class AtHome(Protocol[M]):  # type: ignore[misc]
    """Work on our own rows, inside the engine's transaction."""

    def __call__(self, memory: M, /) -> None: ...


@dataclass(frozen=True)
class CallsOut(Generic[M]):
    """Work at somebody else's: `intend` inside a transaction, the call outside, `record` inside.

    `intend` looks at the rows and returns the next call, or None when nothing is left to ask;
    it is asked again after each `record`, so one step may need a look-up and then a call.
    """

    intend: Callable[[M], Call | None]
    record: Callable[[M, Any], None]


@dataclass(frozen=True)
class Step(Generic[M]):
    """One step of the story, and how to undo it."""

    name: str
    action: AtHome[M] | CallsOut[M]
    compensation: AtHome[M] | CallsOut[M] | None = None


@dataclass(frozen=True)
class _Outgoing:
    """A call about to be made, and where its answer belongs."""

    call: Call
    record: Callable[[Any, Any], None]
    answer: Any = None


@dataclass(frozen=True)
class Saga(Generic[M]):
    """The story, and what happens at its ends.

    `remember` writes the memory's row; `at_end` completes the key in the ending transaction;
    `at_pause` does what a pause needs (postpone the key, answer the client for now).
    """

    steps: tuple[Step[M], ...]
    remember: Callable[[M], None]
    at_end: Callable[[M, IdempotencyKey], None]
    at_pause: Callable[[M, IdempotencyKey, Pause], None]

    def advance(
        self, memory: M, key: IdempotencyKey, answered: _Outgoing | None = None
    ) -> _Outgoing | None:
        """Go as far as home steps carry, inside the caller's transaction.

        Returns the call to make once that transaction is committed, or None at a stop.
        """
        try:
            outgoing = self._walk(memory, answered)
        except Pause as pause:
            self.at_pause(memory, key, pause)
            self.remember(memory)
            return None
        if outgoing is None:
            self.at_end(memory, key)
        self.remember(memory)
        return outgoing

    def carry_on(self, memory: M, lease: Lease, outgoing: _Outgoing | None) -> None:
        """Make the call, record its answer in a transaction of its own, and so on to a stop."""
        for _ in range(_CALLS_MAX):
            if outgoing is None:
                return
            lease.check()
            answered = _Outgoing(outgoing.call, outgoing.record, outgoing.call())
            with lease.held() as key:
                outgoing = self.advance(memory, key, answered)
                if outgoing is not None:
                    lease = idempotency.renew(key, seconds=lease.seconds)
        raise GoingInCircles(f"{memory.pk}: more than {_CALLS_MAX} calls in one run")

    def resume(self, memory: M, lease: Lease) -> None:
        """Take a saga up again where its rows say it stands."""
        with lease.held() as key:
            outgoing = self.advance(memory, key)
        self.carry_on(memory, lease, outgoing)

    def _walk(self, memory: M, answered: _Outgoing | None) -> _Outgoing | None:
        try:
            if answered is not None:
                answered.record(memory, answered.answer)
            if memory.direction == FORWARD:
                return self._go_forward(memory)
        except Refused as refusal:
            if memory.direction == BACKWARD:
                raise
            memory.turn_back(refusal)
        return self._go_backward(memory)

    def _go_forward(self, memory: M) -> _Outgoing | None:
        for step in self.steps[self._position(memory) :]:
            outgoing = _run(step.action, memory)
            if outgoing is not None:
                return outgoing
            memory.recovery_point = step.name
            memory.note(step.name)
        return None

    def _go_backward(self, memory: M) -> _Outgoing | None:
        # The step in flight may have had its effect, so undoing begins with it.
        in_flight = min(self._position(memory), len(self.steps) - 1)
        stuck: Pause | None = None
        for step in reversed(self.steps[: in_flight + 1]):
            if step.compensation is None:
                continue
            try:
                outgoing = _run(step.compensation, memory)
            except Pause as pause:
                if not pause.others_go_on:
                    raise
                stuck = pause
                continue
            if outgoing is not None:
                return outgoing
            memory.note(f"undone: {step.name}")
        if stuck is not None:
            raise stuck
        return None

    def _position(self, memory: M) -> int:
        """How many steps are behind us."""
        names = [step.name for step in self.steps]
        if memory.recovery_point not in names:
            return 0
        return names.index(memory.recovery_point) + 1


def _run(action: Any, memory: Any) -> _Outgoing | None:
    if not isinstance(action, CallsOut):
        action(memory)
        return None
    call = action.intend(memory)
    return None if call is None else _Outgoing(call, action.record)


def is_over(deadline: dt.datetime) -> bool:
    """Whether a saga's forward window has passed."""
    return clock.now() >= deadline

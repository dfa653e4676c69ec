"""Ask the processor something, and put whatever comes back into one of five words."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from payments.processors.base import (
    Declined,
    OutcomeUnknown,
    ProcessorPayment,
    ProcessorRefund,
    ProcessorUnavailable,
)

Outcome = Literal["answered", "absent", "refused", "unavailable", "unknown"]


@dataclass(frozen=True)
class Answer:
    """What the processor said, or that it said nothing."""

    outcome: Outcome
    payment: ProcessorPayment | None = None
    code: str = ""
    is_look_up: bool = False
    refund: ProcessorRefund | None = None


def ask(call: Callable[[], ProcessorPayment | ProcessorRefund | None]) -> Answer:
    """Make the call; never raises for anything a processor or a network can do."""
    try:
        told = call()
    except Declined as declined:
        return Answer("refused", declined.payment, declined.code)
    except ProcessorUnavailable as error:
        return Answer("unavailable", code=str(error))
    except OutcomeUnknown as error:
        return Answer("unknown", code=str(error))
    if isinstance(told, ProcessorRefund):
        return Answer("answered", refund=told)
    return Answer("absent") if told is None else Answer("answered", told)


def look(call: Callable[[], ProcessorPayment | ProcessorRefund | None]) -> Answer:
    """Ask what became of something. A refused question says nothing about what it was about."""
    answer = ask(call)
    outcome = "unknown" if answer.outcome == "refused" else answer.outcome
    return replace(answer, outcome=outcome, is_look_up=True)

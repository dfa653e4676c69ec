"""Ask the processor something, and put whatever comes back into one of five words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from payments.processors.base import (
    Declined,
    OutcomeUnknown,
    ProcessorPayment,
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


def ask(call: Callable[[], ProcessorPayment | None]) -> Answer:
    """Make the call; never raises for anything a processor or a network can do."""
    try:
        payment = call()
    except Declined as declined:
        return Answer("refused", declined.payment, declined.code)
    except ProcessorUnavailable as error:
        return Answer("unavailable", code=str(error))
    except OutcomeUnknown as error:
        return Answer("unknown", code=str(error))
    return Answer("absent") if payment is None else Answer("answered", payment)

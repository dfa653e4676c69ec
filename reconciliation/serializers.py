"""What a client may ask of reconciliation, read strictly."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from rest_framework.exceptions import ErrorDetail, ValidationError

from foundation.edge.strict_fields import StrictBoolean, StrictList, StrictSerializer, StrictString

REASON_MAX: Final = 500
MEMBERS_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class RunIntent:
    """Which day of which account."""

    account: str
    day: dt.date


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is said of a break: `resolved` or `written_off`, and why."""

    as_: str
    reason: str


@dataclass(frozen=True, slots=True)
class MatchIntent:
    """Public ids of a break and of payments, more ids of the processor's, and why."""

    break_: str
    payments: tuple[str, ...]
    references: tuple[str, ...]
    keeps_difference: bool
    reason: str


class Day(StrictString):
    """A calendar day."""

    def to_internal_value(self, data: Any) -> Any:
        """Text first, then a day that exists."""
        text = super().to_internal_value(data)
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            raise ValidationError(
                [ErrorDetail("YYYY-MM-DD is expected.", code="not_a_day")]
            ) from None


class RunRequest(StrictSerializer):
    """The body of `POST /v1/reconciliation-runs`."""

    account = StrictString(max_length=64, default="stripe")
    day = Day(max_length=10, pattern=r"\d{4}-\d\d-\d\d")

    def validate(self, attrs: Any) -> Any:
        """As a value."""
        return RunIntent(**attrs)


class SettleRequest(StrictSerializer):
    """The body of `POST /v1/reconciliation-breaks/{id}/resolve`."""

    status = StrictString(max_length=11, pattern="resolved|written_off", default="resolved")
    reason = StrictString(max_length=REASON_MAX)

    def validate(self, attrs: Any) -> Any:
        """As a value."""
        return Settlement(attrs["status"], attrs["reason"])


class MatchRequest(StrictSerializer):
    """The body of `POST /v1/reconciliation-matches`; `break` is no name Python lets us write."""

    payments = StrictList(child=StrictString(max_length=64), longest=MEMBERS_MAX, default=list)
    processor_references = StrictList(
        child=StrictString(max_length=255), longest=MEMBERS_MAX, default=list
    )
    keeps_difference = StrictBoolean(default=False)
    reason = StrictString(max_length=REASON_MAX)

    def get_fields(self) -> Any:
        """With the member whose name is a word of Python's."""
        return super().get_fields() | {"break": StrictString(max_length=64)}

    def validate(self, attrs: Any) -> Any:
        """As a value."""
        return MatchIntent(
            break_=attrs["break"],
            payments=tuple(attrs["payments"]),
            references=tuple(attrs["processor_references"]),
            keeps_difference=attrs["keeps_difference"],
            reason=attrs["reason"],
        )


class ReasonRequest(StrictSerializer):
    """The body of `POST /v1/reconciliation-matches/{id}/undo`: why."""

    reason = StrictString(max_length=REASON_MAX)

    def validate(self, attrs: Any) -> Any:
        """As a value."""
        return str(attrs["reason"])

"""What a client may ask of a payment, read strictly: how much, the last one or not, and why."""

from dataclasses import dataclass
from typing import Any

from rest_framework.exceptions import ErrorDetail, ValidationError

from foundation.edge.strict_fields import MoneyField, StrictBoolean, StrictSerializer, StrictString
from foundation.errors import InvalidInput
from foundation.money import Money

REASON_MAX = 500


class AmountField(MoneyField):
    """Money above zero."""

    def to_internal_value(self, data: Any) -> Money:
        """Money first, then above zero."""
        money = super().to_internal_value(data)
        if money.amount < 1:
            problem = ErrorDetail("At least 1 is expected.", code="too_small")
            raise ValidationError({"amount": [problem]})
        return money


@dataclass(frozen=True, slots=True)
class CaptureIntent:
    """How much to take (None: all that is held), and whether the rest is let go."""

    amount: Money | None
    final: bool


@dataclass(frozen=True, slots=True)
class RefundIntent:
    """How much to give back (None: all that is left), and why."""

    amount: Money | None
    reason: str


class CaptureRequest(StrictSerializer):
    """The body of `POST /v1/payments/{id}/captures`."""

    amount = AmountField(default=None, allow_null=True)
    final = StrictBoolean(default=True)

    def validate(self, attrs: Any) -> Any:
        """As a value."""
        return CaptureIntent(**attrs)


class VoidRequest(StrictSerializer):
    """The body of `POST /v1/payments/{id}/void`; `VoidRequest.accept(body)` returns the reason."""

    reason = StrictString(max_length=REASON_MAX, blank=True, default="")

    def validate(self, attrs: Any) -> Any:
        """As a value."""
        return attrs["reason"]


class RefundRequest(StrictSerializer):
    """The body of `POST /v1/payments/{id}/refunds`."""

    amount = AmountField(default=None, allow_null=True)
    reason = StrictString(max_length=REASON_MAX, blank=True, default="")

    def validate(self, attrs: Any) -> Any:
        """As a value."""
        return RefundIntent(**attrs)


def minor_units(amount: Money | None, currency: str) -> int | None:
    """The amount of a wish about a payment in `currency`. Raises `InvalidInput`."""
    if amount is None:
        return None
    if amount.currency != currency:
        text = f"This payment is in {currency}."
        wrong = {"pointer": "/amount/currency", "code": "currency_mismatch", "detail": text}
        raise InvalidInput(text, errors=[wrong])
    return amount.amount

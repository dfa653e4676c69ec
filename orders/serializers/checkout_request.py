"""What a client may ask for in `POST /v1/checkouts`, read strictly into a `CheckoutIntent`.

Whatever PostgreSQL, the tax table or the processor would choke on is refused here, with a pointer.
The one exception is `attribution`: marketing's values come from browsers and must never cost a
sale, so what is unknown or malformed there is dropped, and only told by name.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rest_framework.exceptions import ErrorDetail, ValidationError

from attribution import cleaning
from foundation.edge.strict_fields import (
    AnyField,
    CountryCode,
    Currency,
    Email,
    Metadata,
    MoneyField,
    StrictInteger,
    StrictList,
    StrictSerializer,
    StrictString,
)
from foundation.money import Money

QUANTITY_MAX = 10_000
LINES_MAX = 100


@dataclass(frozen=True, slots=True)
class Customer:
    """Who buys, by the shop's own reference."""

    reference: str
    email: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where to; the region decides taxes where countries leave them to states or provinces."""

    line1: str
    city: str
    country: str
    region: str = ""
    postal_code: str = ""
    line2: str = ""
    name: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class LineIntent:
    """So many of one SKU."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class CheckoutIntent:
    """A valid wish to buy: each SKU once, lines in SKU order."""

    cart_id: str
    customer: Customer
    currency: str
    lines: tuple[LineIntent, ...]
    shipping_method: str
    shipping_address: Address
    billing_address: Address | None
    payment_method: str
    expected_total: Money | None
    attribution: Mapping[str, str | bool]
    attribution_dropped: tuple[str, ...]
    metadata: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """The intent in JSON's own types, for a jsonb column."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        plain |= {
            "customer": asdict(self.customer),
            "lines": [asdict(line) for line in self.lines],
            "shipping_address": asdict(self.shipping_address),
            "billing_address": self.billing_address and asdict(self.billing_address),
            "expected_total": self.expected_total and self.expected_total.as_json(),
            "attribution": dict(self.attribution),
            "attribution_dropped": list(self.attribution_dropped),
            "metadata": dict(self.metadata),
        }
        return plain


class AttributionField(AnyField):
    """Keeps what is well formed, drops the rest, refuses nothing."""

    def to_internal_value(self, data: Any) -> tuple[dict[str, str | bool], tuple[str, ...]]:
        """What was kept, and the names of known fields that were dropped ("*": unknown ones)."""
        if not isinstance(data, dict):
            return {}, ("*",)
        return cleaning.clean(data)


class CustomerRequest(StrictSerializer):
    """Who buys."""

    reference = StrictString(max_length=100)
    email = Email()

    def validate(self, attrs: Any) -> Any:
        """As a value."""
        return Customer(**attrs)


class AddressRequest(StrictSerializer):
    """Where to, or whom the card belongs to."""

    name = StrictString(max_length=200, blank=True, default="")
    line1 = StrictString(max_length=200)
    line2 = StrictString(max_length=200, blank=True, default="")
    city = StrictString(max_length=100)
    region = StrictString(max_length=100, blank=True, default="")
    postal_code = StrictString(max_length=20, blank=True, default="")
    country = CountryCode()
    phone = StrictString(max_length=32, blank=True, default="")

    def validate(self, attrs: Any) -> Any:
        """As a value."""
        return Address(**attrs)


class LineRequest(StrictSerializer):
    """So many of one SKU."""

    sku = StrictString(max_length=64, pattern=r"[A-Za-z0-9][A-Za-z0-9._/-]*")
    quantity = StrictInteger(minimum=1, maximum=QUANTITY_MAX)

    def validate(self, attrs: Any) -> Any:
        """As a value."""
        return LineIntent(**attrs)


class CheckoutRequest(StrictSerializer):
    """The body of `POST /v1/checkouts`; `CheckoutRequest.accept(body)` returns the intent."""

    cart_id = StrictString(max_length=100)
    customer = CustomerRequest()
    currency = Currency()
    lines = StrictList(child=LineRequest(), shortest=1, longest=LINES_MAX)
    shipping_method = StrictString(max_length=40, pattern=r"[a-z][a-z0-9_-]*")
    shipping_address = AddressRequest()
    billing_address = AddressRequest(default=None, allow_null=True)
    payment_method = StrictString(max_length=100, pattern=r"pm_[A-Za-z0-9_]+")
    expected_total = MoneyField(default=None, allow_null=True)
    attribution = AttributionField(default=None, allow_null=True)
    metadata = Metadata(default=None, allow_null=True)

    def validate(self, attrs: Any) -> Any:
        """As one value, once its parts agree with each other."""
        lines = _summed(attrs.pop("lines"))
        expected = attrs["expected_total"]
        if expected is not None and expected.currency != attrs["currency"]:
            text = "The expected total is in another currency than the checkout."
            problem = ErrorDetail(text, code="currency_mismatch")
            raise ValidationError({"expected_total": {"currency": [problem]}})
        kept, dropped = attrs.pop("attribution") or ({}, ())
        return CheckoutIntent(
            lines=lines,
            attribution=kept,
            attribution_dropped=dropped,
            metadata=attrs.pop("metadata") or {},
            **attrs,
        )


def _summed(lines: list[LineIntent]) -> tuple[LineIntent, ...]:
    quantities: dict[str, int] = {}
    for index, line in enumerate(lines):
        quantities[line.sku] = quantities.get(line.sku, 0) + line.quantity
        if quantities[line.sku] > QUANTITY_MAX:
            text = f"At most {QUANTITY_MAX} of one SKU, over all lines, are expected."
            problem = ErrorDetail(text, code="too_large")
            where: Any = {index: {"quantity": [problem]}}  # an index, as a list's errors have it
            raise ValidationError({"lines": where})
    return tuple(LineIntent(sku, quantity) for sku, quantity in sorted(quantities.items()))

"""What a client may ask of an order, a shipment or a shelf, read strictly."""

from typing import Any

from rest_framework.exceptions import ErrorDetail, ValidationError

from foundation.edge.strict_fields import StrictInteger, StrictList, StrictSerializer, StrictString
from orders.serializers.checkout_request import LINES_MAX, LineRequest

REASON_MAX = 500
ADJUSTMENT_MAX = 1_000_000


class NothingRequest(StrictSerializer):
    """A POST whose path says it all: an empty object, or no body."""


class CancelRequest(StrictSerializer):
    """Why an order is undone."""

    reason = StrictString(max_length=REASON_MAX, default="no reason was given")


class FulfillmentRequest(StrictSerializer):
    """What is to go into one shipment, as {SKU: units}; each SKU once."""

    lines = StrictList(child=LineRequest(), shortest=1, longest=LINES_MAX)

    def validate(self, attrs: Any) -> dict[str, int]:
        """SKU → units."""
        units: dict[str, int] = {}
        for position, line in enumerate(attrs["lines"]):
            if line.sku in units:
                problem = ErrorDetail("This SKU stands here twice.", code="repeated")
                where: Any = {position: {"sku": [problem]}}  # an index, as a list's errors have it
                raise ValidationError({"lines": where})
            units[line.sku] = line.quantity
        return units


class FulfillmentChange(StrictSerializer):
    """What became of a shipment, and whose parcel it is. What is left out stays as it is."""

    status = StrictString(max_length=12, pattern="shipped|delivered|canceled", default=None)
    carrier = StrictString(max_length=64, blank=True, default=None)
    tracking_number = StrictString(
        max_length=64, blank=True, default=None, pattern=r"[A-Za-z0-9 ._/-]*"
    )

    def validate(self, attrs: Any) -> Any:
        """Something must be asked for."""
        if all(value is None for value in attrs.values()):
            raise ValidationError([ErrorDetail("Nothing to change.", code="empty")])
        return attrs


class AdjustmentRequest(StrictSerializer):
    """How many more, or fewer, lie on the shelf, and why."""

    delta = StrictInteger(minimum=-ADJUSTMENT_MAX, maximum=ADJUSTMENT_MAX)
    reason = StrictString(max_length=REASON_MAX)

    def validate(self, attrs: Any) -> Any:
        """Zero adjusts nothing."""
        if attrs["delta"] == 0:
            raise ValidationError({"delta": [ErrorDetail("Zero adjusts nothing.", code="zero")]})
        return attrs

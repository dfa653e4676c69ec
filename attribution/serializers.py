"""What a client may tell of visits, read strictly: shapes are refused, odd values only dropped."""

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any, ClassVar, Final

from django.conf import settings
from rest_framework.exceptions import ErrorDetail, ValidationError

from attribution import cleaning
from attribution.models.conversion import AMOUNT_MAX
from foundation import clock
from foundation.edge.strict_fields import (
    AnyField,
    MoneyField,
    StrictBoolean,
    StrictList,
    StrictSerializer,
    StrictString,
)

_RFC3339: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
CONVERSIONS_MAX: Final = 1_000
_AHEAD_MAX: Final = dt.timedelta(minutes=5)


class Moment(AnyField):
    """A moment that was: RFC 3339 with its offset, not ahead of us, not older than what is kept."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "not_a_moment": "A time such as 2026-11-24T15:00:00Z is expected.",
        "in_the_future": "This time has not come yet.",
        "too_old": "This is older than what is kept.",
    }

    def to_internal_value(self, data: Any) -> dt.datetime:
        """Check the writing, then the time."""
        moment = _moment(data) if isinstance(data, str) and _RFC3339.fullmatch(data) else None
        if moment is None:
            self.fail("not_a_moment")
        if moment > clock.now() + _AHEAD_MAX:
            self.fail("in_the_future")
        if moment < clock.now() - settings.TOUCHPOINTS_KEEP:
            self.fail("too_old")
        return moment


class Told(AnyField):
    """Text as marketing sent it: only its type is held to anything, the cleaner judges the rest."""

    default_error_messages: ClassVar[dict[str, Any]] = {"not_a_string": "A string is expected."}

    def to_internal_value(self, data: Any) -> str:
        """Text."""
        if not isinstance(data, str):
            self.fail("not_a_string")
        return data


class TouchpointRequest(StrictSerializer):
    """The body of `POST /v1/touchpoints`: every member may be left out, but not all of them."""

    customer_reference = StrictString(max_length=100, default=None, allow_null=True)
    user_agent = StrictString(max_length=1024, blank=True, default=None, allow_null=True)
    occurred_at = Moment(default=None, allow_null=True)
    consent = StrictBoolean(default=None, allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        """With every value that the cleaner knows."""
        names = (*cleaning.UTM, *cleaning.CLICK_IDS, *cleaning.IDENTIFIERS, *cleaning.URLS)
        return {**super().get_fields(), **_told(names)}

    def validate(self, attrs: Any) -> Any:
        """Something must be told."""
        if all(value is None for value in attrs.values()):
            raise ValidationError([ErrorDetail("Nothing is told.", code="empty")])
        return attrs


class ConversionRequest(StrictSerializer):
    """One sale as analytics counted it."""

    transaction_id = StrictString(max_length=100)
    value = MoneyField(maximum=AMOUNT_MAX)
    tax = MoneyField(maximum=AMOUNT_MAX, default=None, allow_null=True)
    shipping = MoneyField(maximum=AMOUNT_MAX, default=None, allow_null=True)
    occurred_at = Moment()
    test = StrictBoolean(default=False)

    def get_fields(self) -> dict[str, Any]:
        """With where analytics says it came from."""
        return {**super().get_fields(), **_told(cleaning.ORIGIN)}

    def validate(self, attrs: Any) -> Any:
        """One currency."""
        for part in ("tax", "shipping"):
            if attrs[part] is not None and attrs[part].currency != attrs["value"].currency:
                problem = ErrorDetail(
                    "Another currency than the value's.", code="currency_mismatch"
                )
                raise ValidationError({part: {"currency": [problem]}})
        return attrs


class ConversionsRequest(StrictSerializer):
    """The body of `POST /v1/conversions`."""

    conversions = StrictList(child=ConversionRequest(), shortest=1, longest=CONVERSIONS_MAX)


def _told(names: Iterable[str]) -> dict[str, Any]:
    return {name: Told(default=None, allow_null=True) for name in names}


def _moment(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text.upper()).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None

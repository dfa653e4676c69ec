"""A moment as a caller writes it: RFC 3339, with its offset."""

import datetime as dt
import re
from typing import Any, ClassVar, Final

from foundation.edge.strict_fields import AnyField

_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def read(text: str) -> dt.datetime | None:
    """The moment in UTC, or None when the text is none."""
    if not _RFC3339.fullmatch(text):
        return None
    try:
        return dt.datetime.fromisoformat(text.upper()).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None


class Moment(AnyField):
    """A member of a request that is a moment."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "not_a_moment": "A time such as 2026-11-24T15:00:00Z is expected."
    }

    def to_internal_value(self, data: Any) -> dt.datetime:
        """Text first, then a moment that exists."""
        moment = read(data) if isinstance(data, str) else None
        if moment is None:
            self.fail("not_a_moment")
        return moment

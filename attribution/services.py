"""Take the snapshot: clean, capped, and only what consent allows. Never blocks a checkout."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from attribution.models import Attribution

UNKNOWN: Final = "unknown"
_CLICK_IDS: Final = ("gclid", "wbraid", "gbraid", "fbclid", "msclkid", "ttclid")
# What a template leaves behind when nobody filled it in: {utm_source}, %CAMPAIGN%, [[x]]
_PLACEHOLDER: Final = re.compile(r"^\s*[{\[%<$].*[}\]%>$]\s*$")


def snapshot(touch: Mapping[str, Any], *, referrer: str = "") -> Attribution:
    """The row for one order, unsaved, from what the client sent and the request's own referrer."""
    values = {name: text for name, value in touch.items() if (text := _clean(value))}
    consent = _consent(touch.get("consent"))
    personal = {} if consent == Attribution.Consent.DENIED else values
    return Attribution(
        source=values.get("utm_source", UNKNOWN)[:255],
        medium=values.get("utm_medium", UNKNOWN)[:255],
        campaign=values.get("utm_campaign", UNKNOWN)[:255],
        term=values.get("utm_term", "")[:255],
        content=values.get("utm_content", "")[:255],
        campaign_id=values.get("utm_id", "")[:255],
        click_ids={name: personal[name][:255] for name in _CLICK_IDS if name in personal},
        referrer_host=_host(values.get("referrer", "") or referrer),
        landing_page=_path(values.get("landing_page", "")),
        session_id=personal.get("session_id", "")[:255],
        client_id=personal.get("client_id", "")[:255],
        consent=consent,
    )


def _clean(value: object) -> str:
    if not isinstance(value, str) or _PLACEHOLDER.match(value):
        return ""
    return value.strip()[:2048]


def _consent(value: object) -> Attribution.Consent:
    if value is None:
        return Attribution.Consent.UNKNOWN
    return Attribution.Consent.GRANTED if value is True else Attribution.Consent.DENIED


def _host(url: str) -> str:
    """Where the visitor came from, without the path: that may say more than is ours to keep."""
    try:
        return (urlsplit(url).hostname or "")[:255]
    except ValueError:
        return ""


def _path(url: str) -> str:
    """The landing page without its query, which may carry secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.hostname or ''}{parts.path}"[:2048]

"""The one cleaner of what browsers say about themselves, for snapshots and touchpoints alike.

Marketing's values are typed into links by hand, so nothing here refuses: what is malformed is left
out, and told by name.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

UNKNOWN: Final = "unknown"
TEXT_MAX: Final = 255
URL_MAX: Final = 2048

CLICK_IDS: Final = ("gclid", "wbraid", "gbraid", "fbclid", "msclkid", "ttclid")
UTM: Final = tuple(
    f"utm_{part}" for part in ("source", "medium", "campaign", "term", "content", "id")
)
ORIGIN: Final = ("source", "medium", "campaign")
IDENTIFIERS: Final = ("session_id", "client_id")
URLS: Final = ("referrer", "landing_page")
_PERSONAL: Final = frozenset({*IDENTIFIERS, *CLICK_IDS})  # lead back to one visitor
_TEXTS: Final = frozenset({*UTM, *CLICK_IDS, *IDENTIFIERS})
KNOWN: Final = _TEXTS | {*URLS, "consent"}

# Control characters and unfilled templates ({agent_id}, {{campaign.name}}) are no attribution.
_UNFIT: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|[{}]")
# What other templates leave behind when nobody filled them in: %CAMPAIGN%, [[x]], <source>, $x$
_PLACEHOLDER: Final = re.compile(r"\s*(?:%\w+%|\[.*\]|<.*>|\$.*\$)\s*")
# Query, fragment and user part of a URL may carry tokens; the utm values are sent by themselves.
_URL_SECRETS: Final = re.compile(r"[?#].*|(?<=//)[^/?#@]*@", re.DOTALL)


def clean(told: Mapping[Any, Any]) -> tuple[dict[str, str | bool], tuple[str, ...]]:
    """What can be kept, and the names of known values that can not ("*": unknown names)."""
    kept: dict[str, str | bool] = {}
    dropped = set()
    for name, value in told.items():
        fit = _fit(name, value)
        if fit is not None:
            kept[name] = fit
        elif value is not None:
            dropped.add(name if name in KNOWN else "*")
    if "consent" in dropped:  # something was answered, and nobody knows that it was a yes
        dropped |= kept.keys() & _PERSONAL
        kept = {name: value for name, value in kept.items() if name not in _PERSONAL}
    return kept, tuple(sorted(dropped))


def columns(kept: Mapping[str, Any], *, referrer: str = "") -> dict[str, Any]:
    """The columns that every row of attribution has, from cleaned values: absent is unknown.

    Without consent there is no click id in them: one leads back to a person.
    """
    is_denied = kept.get("consent") is False
    return {
        "source": kept.get("utm_source", UNKNOWN),
        "medium": kept.get("utm_medium", UNKNOWN),
        "campaign": kept.get("utm_campaign", UNKNOWN),
        "term": kept.get("utm_term", ""),
        "content": kept.get("utm_content", ""),
        "campaign_id": kept.get("utm_id", ""),
        "click_ids": {n: kept[n] for n in CLICK_IDS if n in kept and not is_denied},
        "session_id": "" if is_denied else kept.get("session_id", ""),
        "referrer_host": host(str(kept.get("referrer", "")) or referrer),
        "landing_page": path(str(kept.get("landing_page", ""))),
        "consent": _consent(kept),
    }


def origin(told: Mapping[str, Any]) -> dict[str, str]:
    """source, medium and campaign as analytics names them; absent or odd is unknown."""
    kept, _ = clean({f"utm_{word}": told.get(word) for word in ORIGIN})
    return {word: str(kept.get(f"utm_{word}", UNKNOWN)) for word in ORIGIN}


def host(url: str) -> str:
    """Where the visitor came from, without the path: that may say more than is ours to keep."""
    try:
        return (urlsplit(url).hostname or "")[:TEXT_MAX]
    except ValueError:
        return ""


def path(url: str) -> str:
    """The landing page without its query, which may carry secrets."""
    try:
        parts = urlsplit(url)
        return f"{parts.hostname or ''}{parts.path}"[:URL_MAX]
    except ValueError:
        return ""


def _consent(kept: Mapping[str, Any]) -> str:
    if "consent" not in kept:
        return UNKNOWN
    return "granted" if kept["consent"] else "denied"


def _fit(name: Any, value: Any) -> str | bool | None:
    if name == "consent":
        return value if isinstance(value, bool) else None
    if not isinstance(value, str) or _UNFIT.search(value) or _PLACEHOLDER.fullmatch(value):
        return None
    if name in URLS and len(value) <= URL_MAX:
        return _URL_SECRETS.sub("", value) or None
    text = value.strip()
    return text if name in _TEXTS and 0 < len(text) <= TEXT_MAX else None

"""The class of a user agent: all that is kept of it, because the whole text singles people out."""

import re
from typing import Final

from attribution.models.touchpoint import Device

_CLASSES: Final = (
    (Device.BOT, re.compile(r"bot|crawl|spider|slurp|preview|headless|monitor", re.IGNORECASE)),
    (Device.TABLET, re.compile(r"ipad|tablet|kindle|android(?!.*mobile)", re.IGNORECASE)),
    (Device.MOBILE, re.compile(r"mobi|iphone|ipod|android", re.IGNORECASE)),
    (Device.DESKTOP, re.compile(r"windows nt|macintosh|x11|cros", re.IGNORECASE)),
)


def device(user_agent: str) -> Device:
    """The first class whose words stand in it; unknown for programs that are no browser."""
    return next((kind for kind, words in _CLASSES if words.search(user_agent)), Device.UNKNOWN)

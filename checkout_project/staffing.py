"""How the admin looks, and what staff may do alone. Names are settings (see docs/operations.md)."""

from typing import Any, Final

from django.templatetags.static import static

from checkout_project.environment import env

# A void, capture or refund of more than this, by a person, waits for a second one. In minor
# units, as `USD=100000;JPY=150000`; "*" is any other currency, in major units; -1: always.
STAFF_ALONE_MAX: Final[dict[str, int]] = {
    "*": 1_000,
    **env.dict("STAFF_ALONE_MAX", cast={"value": int}, default={}),
}
STAFF_REQUEST_HOURS: Final = env.float("STAFF_REQUEST_HOURS", default=48.0)

_PRIMARY: Final = {
    "50": "#eef4ff", "100": "#dbe7fe", "200": "#bfd3fd", "300": "#93b4fb", "400": "#6090f6",
    "500": "#3b6fe8", "600": "#2955cf", "700": "#2344a8", "800": "#213b86", "900": "#20356b",
    "950": "#172243",
}  # fmt: skip

UNFOLD: Final[dict[str, Any]] = {
    "SITE_TITLE": "Checkout",
    "SITE_HEADER": "Checkout",
    "SITE_SYMBOL": "shopping_cart_checkout",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "href": lambda _: static("foundation/favicon.svg")}],
    "SHOW_HISTORY": False,  # what people did is in the audit entries, not in Django's log
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {"primary": _PRIMARY},
    "STYLES": [lambda _: static("foundation/admin.css")],
    "DASHBOARD_CALLBACK": "checkout_project.start_page.context",
    "SIDEBAR": {
        "show_search": True,
        "navigation": "checkout_project.navigation.sidebar",
    },
}

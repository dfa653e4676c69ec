"""What a page of ours may load and run, as `Content-Security-Policy`: our own files, nothing else.

No page of ours has a script in its text, so none may run; styles stand in elements (Swagger UI,
plots). The admin's theme evaluates the expressions in its attributes (Alpine.js): where it is
installed, and in the admin only, that is allowed.
"""

from collections.abc import Callable, Mapping
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

HEADER: Final = "Content-Security-Policy"
_POLICY: Final[Mapping[str, str]] = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
_ADMIN: Final = "/admin/"
_EVALUATES: Final = "unfold"


def policy(**other: str) -> str:
    """The header's value; `script_src="..."` in place of the usual directive."""
    changed = {name.replace("_", "-"): value for name, value in other.items()}
    return "; ".join(f"{name} {value}" for name, value in {**_POLICY, **changed}.items())


class PagePolicyMiddleware:
    """On every answer, for a browser may show any of them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.usual = self.admins = policy()
        if _EVALUATES in settings.INSTALLED_APPS:
            self.admins = policy(script_src="'self' 'unsafe-eval'")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_admins = request.path.startswith(_ADMIN)
        response.headers.setdefault(HEADER, self.admins if is_admins else self.usual)
        return response

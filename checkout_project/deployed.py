"""What a deployed shop still has of the example's: it works, and is not what anybody wants.

Asked by `manage.py check --deploy` only: a shop on somebody's own machine is to have all of these.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

_EXAMPLE: Final = "checkout.example"
_FILES: Final = "django.core.mail.backends.filebased.EmailBackend"


def register() -> None:
    """Called once, when the app is ready."""
    checks.register(nothing_is_the_examples, deploy=True)


def nothing_is_the_examples(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:  # noqa: ARG001
    """One warning for each value that was never set, with what follows from it."""
    return [
        checks.Warning(f"{name} {what}.", hint="See docs/production.md.", id=f"checkout.{number}")
        for number, name, what in _left()
    ]


def _left() -> Iterator[tuple[str, str, str]]:
    if settings.EMAIL_BACKEND == _FILES:
        yield "W001", "EMAIL_URL", "is not set: e-mails to shoppers are written to files"
    if _EXAMPLE in settings.DEFAULT_FROM_EMAIL:
        yield "W002", "MAIL_DOMAIN", f"is {_EXAMPLE}: no mail server takes e-mails from there"
    if settings.STRIPE_SECRET_KEY == "sk_test_sandbox":  # noqa: S105 - the one that is no secret
        yield "W003", "STRIPE_SECRET_KEY", "is the sandbox's: no money moves"
    if "whsec_sandbox" in settings.STRIPE_WEBHOOK_SECRET.split(","):
        yield "W004", "STRIPE_WEBHOOK_SECRET", "is the sandbox's, which everybody knows"
    if settings.PROBLEM_BASE_URL.endswith(_EXAMPLE):
        yield "W005", "PROBLEM_BASE_URL", "is the example's: the `type` of a problem leads nowhere"

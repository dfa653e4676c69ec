"""Configurations that would lose money are refused at start, with the reason."""

from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

_MARGIN_SECONDS: Final = 1.0


def register() -> None:
    """Called once, when the app is ready."""
    checks.register(leases_outlive_calls)
    checks.register(sagas_own_their_commits)


def leases_outlive_calls(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:  # noqa: ARG001
    """A lease that ends while its holder still waits for an answer makes two holders."""
    one_request = settings.STRIPE_CONNECT_SECONDS + settings.STRIPE_READ_SECONDS
    longest = (1 + settings.STRIPE_LIST_PAGES_MAX) * one_request + _MARGIN_SECONDS
    return [
        checks.Error(
            f"{name} is {getattr(settings, name):g} s, but one look-up may take {longest:g} s.",
            hint=f"Raise {name}, or lower STRIPE_READ_SECONDS or STRIPE_LIST_PAGES_MAX.",
            id="checkout.E001",
        )
        for name in ("CHECKOUT_LEASE_SECONDS", "PAYMENT_LEASE_SECONDS")
        if getattr(settings, name) <= longest
    ]


def sagas_own_their_commits(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:  # noqa: ARG001
    """With ATOMIC_REQUESTS the claim would not be committed before the processor is called."""
    return [
        checks.Error(f"ATOMIC_REQUESTS is on for {alias!r}.", id="checkout.E002")
        for alias, database in settings.DATABASES.items()
        if database.get("ATOMIC_REQUESTS")
    ]

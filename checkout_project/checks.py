"""Configurations that would lose money are refused at start, with the reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage

from foundation.money import EXPONENTS

_MARGIN_SECONDS: Final = 1.0
_TRANSPORT_OPTIONS: Final = "CELERY_BROKER_TRANSPORT_OPTIONS"
_WAITS_OF_A_MAIL: Final = 5  # connect, greeting, STARTTLS, login, message
_PATIENT_STALLS: Final = 7  # an order that merely waits is counted up to here (orders/stalled.py)


@dataclass(frozen=True)
class _Limit:
    """`name` must be more than `least`, which is what `why` says."""

    name: str
    least: float
    why: str

    def error(self) -> CheckMessage | None:
        value = float(getattr(settings, self.name))
        if value > self.least:
            return None
        told = f"{self.name} is {value:g}, but {self.why}: {self.least:g}."
        return checks.Error(
            told, hint=f"Raise {self.name}, or lower the other.", id="checkout.E001"
        )


def register() -> None:
    """Called once, when the app is ready."""
    checks.register(time_limits_fit)
    checks.register(task_ends_before_redelivery)
    checks.register(sagas_own_their_commits)
    checks.register(the_gap_can_be_read)
    checks.register(limits_of_staff_are_of_currencies)


def refuse_to_start(**_: Any) -> None:
    """For what starts without Django's own checks: web, worker and beat.

    Raises `SystemExit`, which is what Celery's signals let through.
    """
    found = (
        *time_limits_fit(None),
        *task_ends_before_redelivery(None),
        *sagas_own_their_commits(None),
        *the_gap_can_be_read(None),
        *limits_of_staff_are_of_currencies(None),
    )
    if found:
        raise SystemExit("\n".join(f"{error.id}: {error.msg}" for error in found))


def time_limits_fit(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:  # noqa: ARG001
    """A lease that ends while its holder still waits for an answer makes two holders."""
    errors = (limit.error() for limit in (*_leases(), *_tasks()))
    return [error for error in errors if error is not None]


def longest_look_up() -> float:
    """Seconds: one search (or retrieve) and every page of the list, each waited for in full."""
    return float((1 + settings.STRIPE_LIST_PAGES_MAX) * _longest_request())


def _longest_request() -> float:
    return float(settings.STRIPE_CONNECT_SECONDS + settings.STRIPE_READ_SECONDS)


def _leases() -> Iterator[_Limit]:
    skew = settings.CLOCK_SKEW_SECONDS + _MARGIN_SECONDS
    look_up = longest_look_up() + skew
    for name in ("CHECKOUT_LEASE_SECONDS", "PROCESSOR_EVENT_LEASE_SECONDS"):
        yield _Limit(name, look_up, "one look-up and the skew of clocks may take")
    # A checkout's lease is renewed before each call; a payment's is not between these two.
    sent = look_up + _longest_request()
    both = "one look-up, what is sent after it, and the skew of clocks may take"
    yield _Limit("PAYMENT_LEASE_SECONDS", sent, both)
    for provider in ("FRAUD_SECONDS", "TAX_SECONDS"):
        asked = getattr(settings, provider) + skew
        yield _Limit("CHECKOUT_LEASE_SECONDS", asked, f"{provider} and the skew of clocks come to")
    mail = _WAITS_OF_A_MAIL * settings.EMAIL_TIMEOUT + skew
    yield _Limit("NOTIFICATION_LEASE_SECONDS", mail, "sending one e-mail may take")
    yield _Limit("RELAY_LEASE_SECONDS", _silent_broker() + skew, "a silent broker may take")
    webhook = settings.WEBHOOK_SECONDS + skew
    yield _Limit("WEBHOOK_LEASE_SECONDS", webhook, "sending one event may take")
    lease = settings.CHECKOUT_LEASE_SECONDS
    yield _Limit("FORWARD_SECONDS", lease, "a dead runner is noticed only after its lease")


def _silent_broker() -> float:
    waits = [_transport().get(name, 0) for name in ("socket_connect_timeout", "socket_timeout")]
    return float(sum(waits) + settings.CELERY_BROKER_CONNECTION_TIMEOUT)


def _transport() -> dict[str, Any]:
    """What the broker's transport is told; which keys it has depends on the broker."""
    options: dict[str, Any] = getattr(settings, _TRANSPORT_OPTIONS, {})
    return options


def _tasks() -> Iterator[_Limit]:
    sweep = settings.SWEEP_BUDGET_SECONDS + longest_look_up() + _longest_request()
    last = "a sweep's last look-up, and what is sent after it, may end only after"
    yield _Limit("CELERY_TASK_SOFT_TIME_LIMIT", sweep, last)
    soft = settings.CELERY_TASK_SOFT_TIME_LIMIT
    yield _Limit("CELERY_TASK_TIME_LIMIT", soft, "the soft limit must come first")
    yield _Limit("STALLS_MAX", _PATIENT_STALLS, "an order that merely waits is counted up to")


def task_ends_before_redelivery(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:  # noqa: ARG001
    """A task that outlives the visibility of its message runs a second time beside itself."""
    visible = _transport().get("visibility_timeout")
    hard = settings.CELERY_TASK_TIME_LIMIT
    if visible is None or visible > hard:
        return []
    told = f"visibility_timeout is {visible} s, but a task may run for {hard} s."
    return [checks.Error(told, id="checkout.E003")]


def sagas_own_their_commits(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:  # noqa: ARG001
    """With ATOMIC_REQUESTS the claim would not be committed before the processor is called."""
    return [
        checks.Error(f"ATOMIC_REQUESTS is on for {alias!r}.", id="checkout.E002")
        for alias, database in settings.DATABASES.items()
        if database.get("ATOMIC_REQUESTS")
    ]


def the_gap_can_be_read(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:  # noqa: ARG001
    """A report whose days or values mean nothing is found out before somebody asks for it."""
    wrong = []
    try:
        ZoneInfo(settings.REPORT_TIME_ZONE)
    except (ValueError, OSError, KeyError):
        wrong.append(f"REPORT_TIME_ZONE is {settings.REPORT_TIME_ZONE!r}: no such time zone.")
    if settings.CONVERSION_VALUE not in ("total", "net"):
        wrong.append(f"CONVERSION_VALUE is {settings.CONVERSION_VALUE!r}: total or net.")
    return [checks.Error(told, id="checkout.E004") for told in wrong]


def limits_of_staff_are_of_currencies(app_configs: Any, **_: Any) -> Sequence[CheckMessage]:  # noqa: ARG001
    """A limit of a currency that nobody knows would be no limit, and nobody would be told."""
    unknown = sorted(set(settings.STAFF_ALONE_MAX) - {"*", *EXPONENTS})
    wrong = [f"STAFF_ALONE_MAX names {name!r}: no such currency." for name in unknown]
    if not settings.STAFF_REQUEST_HOURS > 0:
        wrong.append("STAFF_REQUEST_HOURS leaves a second person no time to approve anything.")
    return [checks.Error(told, id="checkout.E005") for told in wrong]

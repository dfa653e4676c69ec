"""The rules, each a small pure function that yields its reasons or nothing."""

from collections.abc import Callable, Iterator

from disposable_email_domains import blocklist

from orders.fraud.assessment import Assessment, Attempt, Limits, Outcome, Reason, Velocities
from orders.rate_tables import RateTables

Rule = Callable[[Attempt, Velocities, RateTables, Limits], Iterator[Reason]]

_DISPOSABLE: frozenset[str] = frozenset(blocklist)


def assess(
    attempt: Attempt, *, velocities: Velocities, tables: RateTables, limits: Limits
) -> Assessment:
    """Apply every rule; no rule stops another, so staff see all that spoke against it."""
    reasons = (reason for rule in RULES for reason in rule(attempt, velocities, tables, limits))
    return Assessment.of(tuple(reasons))


def large_amount(
    attempt: Attempt, _velocities: Velocities, _tables: RateTables, limits: Limits
) -> Iterator[Reason]:
    """More money than an ordinary order of this shop."""
    outcome = _reached(attempt.total.amount, limits.amount(attempt.total.currency))
    if outcome is not None:
        yield Reason("large_amount", outcome, f"The total is {attempt.total}.")


def high_velocity(
    _attempt: Attempt, velocities: Velocities, _tables: RateTables, limits: Limits
) -> Iterator[Reason]:
    """The same customer, e-mail address, IP address or card too often, or declined too often."""
    for name, thresholds in limits.velocity.items():
        seen: int = getattr(velocities, name)
        outcome = _reached(seen, thresholds)
        if outcome is not None:
            what = "declined" if name.endswith("_declines") else "attempts"
            yield Reason(f"{name}_velocity", outcome, f"At least {seen} {what} in the window.")


def countries_differ(
    attempt: Attempt, _velocities: Velocities, _tables: RateTables, _limits: Limits
) -> Iterator[Reason]:
    """The bill goes to one country and the goods to another."""
    billing, shipping = attempt.billing_country, attempt.shipping_country
    if billing is not None and billing != shipping:
        yield Reason("country_mismatch", "review", f"Billed to {billing}, shipped to {shipping}.")


def disposable_email(
    attempt: Attempt, _velocities: Velocities, _tables: RateTables, _limits: Limits
) -> Iterator[Reason]:
    """An address at a domain that gives addresses away for ten minutes."""
    if any(domain in _DISPOSABLE for domain in _domains(attempt.email)):
        yield Reason("disposable_email", "review", "The e-mail domain is a disposable one.")


def blocked(
    attempt: Attempt, velocities: Velocities, tables: RateTables, _limits: Limits
) -> Iterator[Reason]:
    """On the list that staff keep."""
    at = attempt.started_at
    for kind, value in _identities(attempt, velocities):
        entry = tables.block(kind, value, at=at)
        if entry is not None:
            yield Reason(f"blocked_{kind}", "reject", entry.reason)
    entry = tables.network_block(attempt.ip, at=at) if attempt.ip else None
    if entry is not None:
        yield Reason("blocked_ip", "reject", entry.reason)


RULES: tuple[Rule, ...] = (blocked, large_amount, high_velocity, countries_differ, disposable_email)


def _reached(value: int, thresholds: tuple[int, int]) -> Outcome | None:
    review, reject = thresholds
    if value >= reject:
        return "reject"
    return "review" if value >= review else None


def _domains(email: str) -> list[str]:
    """The address's domain and the domains above it, without the top-level one."""
    labels = email.lower().rpartition("@")[2].split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


def _identities(attempt: Attempt, velocities: Velocities) -> Iterator[tuple[str, str]]:
    yield "email", attempt.email.lower()
    yield from (("email_domain", domain) for domain in _domains(attempt.email))
    yield "customer", attempt.customer_reference
    cards = dict.fromkeys((attempt.payment_method, *velocities.fingerprints))
    yield from (("card", card) for card in cards)
    countries = dict.fromkeys((attempt.shipping_country, attempt.billing_country))
    yield from (("country", country) for country in countries if country)

"""Counts what the same customer, address and card did lately: one statement, bounded.

Of the attempts it says how many were declined, too: who tries out stolen cards hears "no" often.

Each count stops at the highest limit, so a flood of attempts makes the statement no slower. The
attempt counts itself as soon as its checkout row is written.
"""

import ipaddress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection

from orders.fraud.assessment import Attempt, Velocities

# A card is known by its fingerprint only after the processor saw it: the fingerprints that this
# payment method had before, and every payment since with one of them, or with the same token.
_COUNTS = """
WITH known AS MATERIALIZED (
    SELECT DISTINCT card_fingerprint FROM (
        SELECT card_fingerprint FROM payments_payment
        WHERE payment_method = %(payment_method)s
        ORDER BY created_at DESC LIMIT 50
    ) AS recent
    WHERE card_fingerprint <> '' LIMIT 5
)
SELECT
    (SELECT ARRAY[count(*), count(*) FILTER (WHERE code = 'payment_declined')] FROM (
        SELECT refusal->>'code' AS code FROM orders_checkout
        WHERE customer_reference = %(customer)s AND client_id = %(client)s
          AND started_at > %(since)s LIMIT %(bound)s) AS attempts),
    (SELECT ARRAY[count(*), count(*) FILTER (WHERE code = 'payment_declined')] FROM (
        SELECT refusal->>'code' AS code FROM orders_checkout
        WHERE email = %(email)s AND started_at > %(since)s LIMIT %(bound)s) AS attempts),
    (SELECT ARRAY[count(*), count(*) FILTER (WHERE code = 'payment_declined')] FROM (
        SELECT refusal->>'code' AS code FROM orders_checkout
        WHERE ip = %(ip_first)s::inet
          AND started_at > %(since)s LIMIT %(bound)s) AS attempts),
    (SELECT ARRAY[count(*), count(*) FILTER (WHERE state = 'declined')] FROM (
        (SELECT id, state FROM payments_payment
         WHERE payment_method = %(payment_method)s AND created_at > %(since)s LIMIT %(bound)s)
        UNION
        (SELECT seen.id, seen.state FROM known CROSS JOIN LATERAL (
            SELECT id, state FROM payments_payment
            WHERE card_fingerprint = known.card_fingerprint
              AND created_at > %(since)s LIMIT %(bound)s) AS seen)
    ) AS payments),
    (SELECT coalesce(array_agg(card_fingerprint ORDER BY card_fingerprint), '{}') FROM known)
"""
# A whole network is a range, which no index reads as cheaply as one address: only where needed.
_COUNTS_OF_NETWORK = _COUNTS.replace(
    "ip = %(ip_first)s::inet", "ip BETWEEN %(ip_first)s::inet AND %(ip_last)s::inet"
)


def measure_velocities(attempt: Attempt, *, now: datetime) -> Velocities:
    """Count within `settings.RISK_WINDOW_SECONDS` before now, up to the highest limit."""
    parameters = _parameters(attempt, now)
    one_address = parameters["ip_first"] == parameters["ip_last"]
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS if one_address else _COUNTS_OF_NETWORK, parameters)
        customer, email, ip, card, fingerprints = cursor.fetchone()
    attempts, declines = zip(customer, email, ip, card, strict=True)
    return Velocities(*attempts, tuple(fingerprints), *declines)


def _parameters(attempt: Attempt, now: datetime) -> dict[str, Any]:
    first, last = _ip_range(attempt)
    return {
        "client": attempt.client_id,
        "customer": attempt.customer_reference,
        "email": attempt.email.lower(),
        "ip_first": first,
        "ip_last": last,
        "payment_method": attempt.payment_method,
        "since": now - timedelta(seconds=settings.RISK_WINDOW_SECONDS),
        "bound": max(reject for _, reject in settings.RISK_LIMITS.values()),
    }


def _ip_range(attempt: Attempt) -> tuple[str | None, str | None]:
    """The address itself; of IPv6 the whole /64, which is one customer's to choose from."""
    address = attempt.public_ip
    if address is None:
        return None, None
    if address.version == 4:
        return str(address), str(address)
    network = ipaddress.ip_network((address, 64), strict=False)
    return str(network[0]), str(network[-1])

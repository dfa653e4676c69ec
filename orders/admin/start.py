"""What the start page tells of orders and checkouts.

Windows of checkouts are read off their primary keys. Those of orders are not: the id of an order
is made with its checkout, which may have begun days before somebody approved it.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from django.db import connection
from django.urls import reverse

from foundation import ids
from foundation.desk import plot
from foundation.desk.sections import Drawing, Waiting, day_by_day
from orders.admin.stuck import stuck_since

# Open sagas have an open key, which is indexed: what ended is never looked at.
_WAITING: Final = """
    SELECT count(DISTINCT checkout.id) FILTER (WHERE checkout.state = 'in_review'
               AND checkout.review_decision = ''),
           count(DISTINCT checkout.id) FILTER (WHERE key.leased_until < %s),
           (SELECT count(*) FROM orders_notification WHERE sent_at IS NULL
               AND given_up_at IS NULL AND obsolete_at IS NULL AND last_error <> '')
    FROM foundation_idempotencykey key JOIN orders_checkout checkout ON checkout.id = key.subject_id
    WHERE key.state = 'in_progress'
"""
_PLACED: Final = """
    SELECT currency, sum(total_amount)::bigint, count(*) FROM orders_order
    WHERE placed_at >= %s GROUP BY currency
"""
_OUTCOMES: Final = """
    SELECT (started_at AT TIME ZONE 'UTC')::date, state, count(*) FROM orders_checkout
    WHERE id >= %s GROUP BY 1, 2
"""
_SHOWN: Final = {
    "completed": ("completed",),
    "failed": ("failed", "expired"),
    "undone": ("compensated",),
    "open": (
        "started", "authorizing", "unknown", "requires_action", "in_review", "compensating",
        "needs_attention",
    ),
}  # fmt: skip


def placed(since: dt.datetime) -> list[tuple[str, int, int]]:
    """(currency, minor units, orders) placed since a moment; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACED, [since])
        return list(cursor.fetchall())


def waiting() -> list[Waiting]:
    """Checkouts to decide on, those nobody came for, mails that fail; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [stuck_since()])
        reviews, stuck, mails = cursor.fetchone() or (0, 0, 0)
    checkouts = reverse("admin:orders_checkout_changelist")
    letters = reverse("admin:orders_notification_changelist")
    return [
        Waiting(
            "checkouts to review", reviews, f"{checkouts}?state=in_review", "orders.view_checkout"
        ),
        Waiting(
            "checkouts stuck", stuck, f"{checkouts}?unended=stuck", "orders.view_checkout", "bad"
        ),
        Waiting(
            "e-mails that fail",
            mails,
            f"{letters}?state=failing",
            "orders.view_notification",
            "bad",
        ),
    ]


def drawings(days: Sequence[dt.date]) -> list[Drawing]:
    """Checkouts by how they ended, day by day; one statement."""
    first = dt.datetime.combine(days[0], dt.time(), tzinfo=dt.UTC)
    with connection.cursor() as cursor:
        cursor.execute(_OUTCOMES, [ids.floor(first)])
        found = {(day, state): count for day, state, count in cursor.fetchall()}
    series = {
        name: [sum(found.get((day, state), 0) for state in states) for day in days]
        for name, states in _SHOWN.items()
    }
    title = "Checkouts by how they ended"
    svg = plot.bars(series, days=days, title=title)
    return [Drawing(title, svg, numbers=day_by_day(series, days=days), width="half")]

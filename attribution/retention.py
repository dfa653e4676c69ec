"""Visits are kept for as long as they can explain an order, and forgotten when somebody asks."""

import uuid

from django.conf import settings
from django.db import connection, transaction

from attribution.models import Touchpoint
from foundation import audit, clock


def forget_old(*, limit: int) -> int:
    """Delete touchpoints older than `TOUCHPOINTS_KEEP`, batch by batch; how many they were."""
    forgotten = 0
    while (batch := _forget_batch(limit)) > 0:
        forgotten += batch
    return forgotten


def erase(*, client_id: uuid.UUID, customer_reference: str, by: str, reason: str) -> int:
    """Take a customer's name and every identifier off what is kept of them; how many rows.

    The touchpoints of browsers that were seen with the customer lose their identifiers, too.
    What is left says where visits came from, and no longer whose they were. On record, without
    the name.
    """
    mine = Touchpoint.objects.filter(client_id=client_id)
    theirs = mine.filter(customer_reference=customer_reference)
    browsers = set(theirs.exclude(browser_id="").values_list("browser_id", flat=True))
    with transaction.atomic():
        erased = mine.filter(browser_id__in=browsers) | theirs
        ids = list(erased.values_list("pk", flat=True))
        Touchpoint.objects.filter(pk__in=ids).update(
            customer_reference="", browser_id="", session_id="", click_ids={}
        )
        audit.record(
            actor=by, action="touchpoints.erase", aggregate="api_client", aggregate_id=client_id,
            reason=reason, before={}, after={"touchpoints": len(ids)},
        )  # fmt: skip
    return len(ids)


def _forget_batch(limit: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """DELETE FROM attribution_touchpoint WHERE id IN (
                   SELECT id FROM attribution_touchpoint WHERE occurred_at < %s
                   ORDER BY occurred_at LIMIT %s FOR UPDATE SKIP LOCKED)""",
            [clock.now() - settings.TOUCHPOINTS_KEEP, limit],
        )
        return int(cursor.rowcount)

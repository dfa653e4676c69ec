"""What led to an order: the visits of one customer on every browser, and the checkout's snapshot.

Computed when somebody asks, never while somebody buys.
"""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db.models import Q

from attribution.credit import Touch
from attribution.models import Attribution, Consent, Touchpoint

TOUCHES_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a floor above knows of the order whose journey is asked for."""

    client_id: uuid.UUID
    customer_reference: str
    placed_at: dt.datetime
    seen: Attribution


def touchpoints(purchase: Purchase) -> list[Touchpoint]:
    """The visits before the purchase, oldest first, at most `TOUCHES_MAX` of the newest.

    A guest becomes a customer by the reference: visits of every browser ever seen with it are
    theirs, but not those that name somebody else.
    """
    since = purchase.placed_at - settings.JOURNEY_LOOKBACK
    told = Touchpoint.objects.filter(
        client_id=purchase.client_id, occurred_at__range=(since, purchase.placed_at)
    ).filter(_theirs(purchase))
    newest = told.order_by("-occurred_at", "-pk")[:TOUCHES_MAX]
    return list(reversed(newest))


def journey(purchase: Purchase) -> list[Touch]:
    """The visits as touches, and the snapshot as the last of them.

    The visit that bought is counted once: as the snapshot, unless only the visit knows where it
    came from. Who refused consent at the checkout is not followed back.
    """
    seen, last = purchase.seen, _touch(purchase.seen, purchase.placed_at)
    if seen.consent == Consent.DENIED:
        return [last]
    visits = touchpoints(purchase)
    earlier = [visit for visit in visits if not _is_same_visit(visit, seen)]
    if last.is_known or len(earlier) == len(visits):
        return [*map(_touched, earlier), last]
    return list(map(_touched, visits))


def _is_same_visit(visit: Touchpoint, seen: Attribution) -> bool:
    return bool(seen.session_id) and visit.session_id == seen.session_id


def _theirs(purchase: Purchase) -> Q:
    """Told with the customer's name, or on a browser of theirs without anybody else's name."""
    named = Touchpoint.objects.filter(
        client_id=purchase.client_id, customer_reference=purchase.customer_reference
    )
    browsers = Q(browser_id__in=named.exclude(browser_id="").values("browser_id"))
    if purchase.seen.client_id:
        browsers |= Q(browser_id=purchase.seen.client_id)
    return Q(customer_reference=purchase.customer_reference) | (Q(customer_reference="") & browsers)


def _touched(visit: Touchpoint) -> Touch:
    return _touch(visit, visit.occurred_at)


def _touch(row: Attribution | Touchpoint, at: dt.datetime) -> Touch:
    return Touch(at=at, source=row.source, medium=row.medium, campaign=row.campaign)

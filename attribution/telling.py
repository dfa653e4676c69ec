"""All that analytics is told of by us, in its order: a purchase goes before its refund."""

from attribution import purchases, refunds


def tell(*, limit: int) -> int:
    """Plan and send what is due, up to `limit` of each kind; how many were sent."""
    return purchases.tell(limit=limit) + refunds.tell(limit=limit)

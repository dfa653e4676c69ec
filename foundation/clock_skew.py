"""How far this host's clock is from the database's: leases bear so much of it, and no more.

A lease is written by one host's clock and judged by another's. What both are allowed to be
off, together, is `CLOCK_SKEW_SECONDS`; the system check makes every lease that much longer
than the longest call under it. A host that is further off takes nothing over.
"""

import logging
import time

from django.conf import settings
from django.db import connection

_log = logging.getLogger(__name__)


def measured() -> float:
    """Seconds by which this host is surely ahead of the database (behind: below zero).

    What the question itself took is in its favor: a slow answer is no skew.
    """
    with connection.cursor() as cursor:
        sent = time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        told = float(cursor.fetchone()[0])
    return max(sent - told, 0.0) - max(told - time.time(), 0.0)


def is_bounded() -> bool:
    """Whether this host's clock may judge leases. Half of what is allowed is each host's."""
    ahead = measured()
    if abs(ahead) <= settings.CLOCK_SKEW_SECONDS / 2:
        return True
    _log.error("this clock is off by %.1f s; nothing is taken over by it", ahead)
    return False

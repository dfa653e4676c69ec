"""A canary in each queue: beat sends it, a worker takes it, and its row says when that was.

A broker that answers proves nothing about the worker: workers were seen to stop consuming
after a reset of the connection (celery #10205, #10302). The age of the row is the alarm.
"""

from foundation import clock
from foundation.models import QueueHeartbeat


def beat(queue: str) -> None:
    """A worker took a canary out of this queue just now."""
    QueueHeartbeat.objects.update_or_create(queue=queue, defaults={"beat_at": clock.now()})

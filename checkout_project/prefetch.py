"""A worker's prefetch on Redis outlives an acknowledgement that fails.

kombu (5.7) takes an acknowledged message off its count of those under way only after Redis has
answered. When that answer times out, the error is logged, the connection goes on, and the message
counts for ever: at a prefetch of one, each loss takes one of the worker's children out of service,
and the last makes it deaf (`checkout_project/listening.py`). It is no longer under way, whatever
Redis heard; if Redis did not, the message comes again after its visibility timeout, to a task that
then finds nothing to do.
"""

from kombu.transport import redis, virtual


class Prefetch(redis.QoS):
    """The messages under way on one channel."""

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge; whatever comes of it, the worker may take another one."""
        try:
            super().ack(delivery_tag)
        except BaseException:
            virtual.QoS.ack(self, delivery_tag)
            raise

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        """The same for what goes back to its queue, or nowhere."""
        try:
            super().reject(delivery_tag, requeue=requeue)
        except BaseException:
            virtual.QoS.ack(self, delivery_tag)
            raise


def install() -> None:
    """For every connection that this process makes from now on."""
    redis.Channel.QoS = Prefetch

"""A worker that lives on but takes no message after its first seconds, as in celery #10205."""

import sys
import time

from kombu.transport.redis import MultiChannelPoller

from checkout_project.celery import app
from checkout_project.processes import QUEUES

HEARS_SECONDS = 4.0

_deaf_from = time.monotonic() + HEARS_SECONDS
_ask_for_messages = MultiChannelPoller.on_poll_start


def _ask_no_longer(poller):
    if time.monotonic() < _deaf_from:
        _ask_for_messages(poller)


if __name__ == "__main__":
    MultiChannelPoller.on_poll_start = _ask_no_longer
    app.worker_main(
        ["worker", "--queues", ",".join(QUEUES), "--concurrency", "1", "--loglevel", "INFO",
         "--without-gossip", "--without-mingle", "--hostname", sys.argv[1]]
    )  # fmt: skip

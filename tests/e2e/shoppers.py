"""Shoppers who do what the documents tell them: the same key again, until the answer is final."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

PATIENCE_SECONDS = 90
PAUSE_SECONDS = 0.2
_NOT_FINAL = (202, 503)


def insist(house, wish, *, seconds=PATIENCE_SECONDS):
    """POST with one key until it is answered for good; the last reply."""
    body, key = wish
    give_up_at = time.monotonic() + seconds
    while True:
        reply = _try(house, body, key)
        if reply is not None and not _again(reply):
            return reply
        assert time.monotonic() < give_up_at, f"no final answer: {reply and reply.text}"
        time.sleep(PAUSE_SECONDS)


def _try(house, body, key):
    """A line that breaks is what a shopper's phone does, too."""
    try:
        return house.checkout(body, key=key)
    except httpx.TransportError:
        return None


def _again(reply):
    if reply.status_code in _NOT_FINAL:
        return True
    return reply.status_code == 409 and reply.json()["code"] == "idempotency_in_progress"


@contextlib.contextmanager
def buying(house, wishes, *, threads=6):
    """All wishes are bought beside the block, and must be orders when it is over."""
    with ThreadPoolExecutor(threads) as pool:
        sales = [pool.submit(insist, house, wish) for wish in wishes]
        is_over = threading.Event()
        yield lambda: all(sale.done() for sale in sales) or is_over.is_set()
        replies = [sale.result(timeout=2 * PATIENCE_SECONDS) for sale in sales]
    assert {reply.status_code for reply in replies} == {201}, [r.text for r in replies]

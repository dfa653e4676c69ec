"""kill -9 of everything at once, in the middle of a burst: what was promised is on disk."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e import books

pytestmark = pytest.mark.e2e
BURST = 40
THREADS = 8
SEEN_BEFORE_THE_CUT = 12


def test_everything_killed_in_a_burst_keeps_every_promise_a_client_has_seen(house):
    wishes, seen = books.wishes(BURST), {}
    enough = threading.Event()

    def press(number):
        body, key = wishes[number]
        try:
            reply = house.checkout(body, key=key)
        except httpx.TransportError:
            return
        if reply.status_code == 201:
            seen[number] = reply
        if len(seen) >= SEEN_BEFORE_THE_CUT:
            enough.set()

    with ThreadPoolExecutor(THREADS) as pool:
        shoppers = [pool.submit(press, number) for number in range(BURST)]
        assert enough.wait(timeout=60)
        house.power_cut()
        for shopper in shoppers:
            shopper.result(timeout=60)
    assert SEEN_BEFORE_THE_CUT <= len(seen) < BURST
    house.power_back()

    # Without any client: what was begun is finished, or nothing of it is left.
    begun = [wish for wish in wishes if books.payments(house, [wish])]
    placed = books.finished(house, begun, seconds=150)
    books.once_each(house, placed, mailings_max=2)
    books.nothing_astray(house)
    by_cart = {order.cart_id: order.reference for order in placed}
    for number, reply in seen.items():
        assert by_cart[wishes[number][0]["cart_id"]] == reply.json()["order"]["id"]

    # Every client comes back: the same bytes for those who had heard, one order for the others.
    told = [house.checkout(body, key=key) for body, key in wishes]
    assert {reply.status_code for reply in told} == {201}
    for number, reply in seen.items():
        assert told[number].content == reply.content
        assert told[number].headers["Idempotent-Replayed"] == "true"
    books.once_each(house, books.finished(house, wishes), mailings_max=2)
    books.nothing_astray(house)

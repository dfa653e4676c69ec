"""PostgreSQL gone means no checkout and no call; Redis gone, silent or empty means nothing."""

import socket
import time
from statistics import median

import pytest

from checkout_project.embedded.valkey import broker_answers
from tests.e2e import books

pytestmark = pytest.mark.e2e
BATCH = 12
# No checkout may wait for the broker: far below its shortest time limit (4 s to connect),
# far above what a busy machine does to a checkout.
SLOWEST_SECONDS = 3.0


def buy_one_by_one(house, wishes):
    """Buy all; the seconds each took."""
    took = []
    for body, key in wishes:
        started = time.monotonic()
        reply = house.checkout(body, key=key)
        took.append(time.monotonic() - started)
        assert reply.status_code == 201, reply.text
    return took


def as_fast_as(before, during):
    """The usual latency, with room for a machine that others use too."""
    assert median(during) < 3 * median(before) + 0.1
    assert max(during) < SLOWEST_SECONDS


def put_back(house, wishes):
    """Events of these checkouts that the relay could not send and will try again."""
    return house.rows(
        """SELECT 1 FROM events_outboxevent e JOIN orders_checkout c ON c.id = e.stream
           WHERE c.cart_id = ANY(%s) AND e.state = 'retrying' AND e.last_error <> ''""",
        books.carts(wishes),
    )


def refused(reply):
    assert reply.status_code == 503, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert int(reply.headers["Retry-After"]) > 0
    problem = reply.json()
    assert problem["code"] == "idempotency_store_unavailable"
    # This very try sent nothing, but who knows whether an earlier one with the key did.
    assert (problem["retry_with"], problem["charge_state"]) == ("same_key", "unknown")


def test_without_postgresql_every_checkout_is_503_and_nothing_reaches_the_processor(house):
    """Whether the caller's key is remembered or not, and whether the wish is new or a repeat."""
    bought, wishes = books.wishes(), books.wishes(8)
    web = house.shop.pids["web"]
    house.burst(bought)
    books.finished(house, bought)
    asked = len(house.witness.requests())

    house.cluster.postgres.stop()
    replies = house.at_once([*wishes, *wishes, *bought])
    body, key = wishes[0]
    replies.append(house.checkout(body, key=key, api_key=house.key_of_a_stranger))
    for reply in replies:
        refused(reply)
    assert len(house.witness.requests()) == asked

    house.cluster.postgres.start()
    house.shop.wait_ready()
    house.burst(wishes)
    assert house.shop.pids["web"] == web
    books.once_each(house, books.finished(house, wishes))
    books.nothing_astray(house)


def test_redis_stopped_costs_a_shopper_nothing_and_its_orders_are_finished_afterwards(house):
    before, during = books.wishes(BATCH), books.wishes(BATCH)
    usual = buy_one_by_one(house, before)
    books.finished(house, before)

    house.cluster.redis.stop()
    assert not broker_answers(house.cluster.redis.socket)
    as_fast_as(usual, buy_one_by_one(house, during))
    assert all(order.payment_state == "authorized" for order in books.orders(house, during))
    books.eventually(lambda: put_back(house, during), why="the relay never tried")
    house.cluster.redis.start()

    books.once_each(house, books.finished(house, during))
    books.nothing_astray(house)
    assert house.has_lost_nobody()


def test_redis_silent_costs_a_shopper_nothing_and_its_orders_are_finished_afterwards(house):
    """It accepts what comes and never answers, so whoever asks it waits."""
    before, during = books.wishes(BATCH), books.wishes(BATCH)
    usual = buy_one_by_one(house, before)
    books.finished(house, before)

    with house.frozen("redis"):
        assert not broker_answers(house.cluster.redis.socket)
        as_fast_as(usual, buy_one_by_one(house, during))
        assert all(order.payment_state == "authorized" for order in books.orders(house, during))

    books.once_each(house, books.finished(house, during))
    books.nothing_astray(house)
    assert house.has_lost_nobody()


def sent_of(house, wishes):
    """How many of the orders' events the relay has handed to the broker."""
    return house.rows(
        """SELECT count(*) AS n FROM events_outboxevent e
           JOIN orders_checkout c ON c.id = e.stream
           WHERE c.cart_id = ANY(%s) AND e.type = 'order.placed' AND e.state = 'sent'""",
        books.carts(wishes),
    )[0]["n"]


def flush(path):
    """Every message is gone, every connection stays."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10)
        line.connect(str(path))
        line.sendall(b"FLUSHALL\r\n")
        assert line.recv(64).startswith(b"+OK")


def test_orders_whose_messages_were_all_lost_are_found_in_the_rows_and_finished(house):
    wishes = books.wishes(6)
    with house.frozen("worker"):
        house.burst(wishes)
        books.eventually(lambda: sent_of(house, wishes) == len(wishes))
        flush(house.cluster.redis.socket)

    placed = books.finished(house, wishes)
    books.once_each(house, placed)
    assert sum(order.stalls > 0 for order in placed) >= len(wishes) - 2, "what was it that was lost"

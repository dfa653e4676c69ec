"""kill -9 of worker and relay, and two of everything: still one capture, one shipment, one mail."""

import contextlib
import threading

import pytest

from checkout_project.processes import Shop
from tests.e2e import books

pytestmark = pytest.mark.e2e
BURST = 30


def kill_while_the_capture_waits_unread(house):
    """The payment is claimed; the request lies unread before a processor that then dies, too."""
    wishes = books.wishes()
    with contextlib.ExitStack() as frozen:
        with house.frozen("worker"):
            house.burst(wishes)
            frozen.enter_context(house.frozen("sandbox"))
        capturing(house, wishes)
        house.kill("worker")
        house.kill("sandbox")
    house.revive("sandbox")
    (payment, _) = books.payments(house, wishes)[0]
    assert house.witness.effects(payment, "capture") == []
    return wishes


def kill_while_the_processor_captures(house):
    """The processor works on it when the worker dies; the capture happens all the same."""
    wishes = books.wishes()
    house.witness.fault("capture", "slow", seconds=2)
    house.burst(wishes)
    payment = capturing(house, wishes)
    books.eventually(
        lambda: any(r["operation"] == "capture" for r in house.witness.requests(payment))
    )
    house.kill("worker")
    books.eventually(lambda: house.witness.effects(payment, "capture"))
    assert books.payments(house, wishes) == [(payment, "capturing")]
    house.witness.heal()
    return wishes


def capturing(house, wishes):
    """The payment, once a worker has claimed it."""
    books.eventually(lambda: [state for _, state in books.payments(house, wishes)] == ["capturing"])
    return books.payments(house, wishes)[0][0]


def test_worker_killed_in_a_capture_leaves_one_capture_one_shipment_one_mail(house):
    unread = kill_while_the_capture_waits_unread(house)
    house.revive("worker")
    working = kill_while_the_processor_captures(house)
    house.revive("worker")

    books.once_each(house, books.finished(house, unread + working))
    books.nothing_astray(house)


@contextlib.contextmanager
def running(action):
    """Run an action beside the block, and wait for it (and its error) at the end."""
    failed = []

    def run():
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(timeout=120)
    if failed:
        raise failed[0]


def test_relay_killed_again_and_again_under_a_burst_repeats_nothing_and_loses_nothing(house):
    wishes = books.wishes(BURST)
    kills = 0
    with running(lambda: house.burst(wishes)) as shoppers:
        while kills < 3 or (shoppers.is_alive() and kills < 20):
            relayed = sent(house, wishes)
            house.kill("relay")
            house.revive("relay")
            kills += 1
            books.eventually(lambda n=relayed: sent(house, wishes) > n or not shoppers.is_alive())

    books.once_each(house, books.finished(house, wishes))
    books.nothing_astray(house)


def sent(house, wishes):
    """How many events of these checkouts the relay has marked as sent."""
    return house.rows(
        """SELECT count(*) AS n FROM events_outboxevent e
           JOIN orders_checkout c ON c.id = e.stream
           WHERE c.cart_id = ANY(%s) AND e.state = 'sent'""",
        books.carts(wishes),
    )[0]["n"]


def test_relay_killed_between_sending_and_marking_sends_again_and_it_does_no_harm(house):
    """Held at exactly that point: the rows are locked while it waits for a silent broker."""
    wishes = books.wishes()
    with house.database() as connection, contextlib.ExitStack() as held:
        with house.frozen("redis"):
            house.burst(wishes)
            books.eventually(lambda: attempts(house, wishes) == 1)
            held.enter_context(connection.transaction())
            connection.execute(
                """SELECT 1 FROM events_outboxevent e JOIN orders_checkout c ON c.id = e.stream
                   WHERE c.cart_id = ANY(%s) FOR UPDATE OF e""",
                [books.carts(wishes)],
            )
        books.eventually(lambda: house.waiting_for("events_outboxevent"))
        house.kill("relay")
        # A statement that waits would be carried out for the dead; let it die with its client.
        for session in house.waiting_for("events_outboxevent"):
            connection.execute("SELECT pg_terminate_backend(%s)", [session])
        books.eventually(lambda: not house.waiting_for("events_outboxevent"))
    books.once_each(house, books.finished(house, wishes))

    house.rows("UPDATE events_outboxevent SET due_at = now() WHERE state = 'leased'")  # time passes
    house.revive("relay")
    books.eventually(lambda: attempts(house, wishes) >= 2)
    books.eventually(lambda: not unsent(house, wishes))
    quiet(house, wishes)
    books.once_each(house, books.finished(house, wishes))


def attempts(house, wishes):
    """How often the relay has taken the event that starts the settlement."""
    found = house.rows(
        """SELECT e.attempts AS n FROM events_outboxevent e
           JOIN orders_checkout c ON c.id = e.stream
           WHERE c.cart_id = ANY(%s) AND e.type = 'order.placed'""",
        books.carts(wishes),
    )
    return found[0]["n"] if found else 0


def unsent(house, wishes):
    """Whether events of these checkouts are still to be sent."""
    return house.rows(
        """SELECT 1 FROM events_outboxevent e JOIN orders_checkout c ON c.id = e.stream
           WHERE c.cart_id = ANY(%s) AND e.state <> 'sent'""",
        books.carts(wishes),
    )


def quiet(house, wishes):
    """A later order is finished, so the messages before it have been read, too."""
    later = books.wishes()
    house.burst(later)
    books.finished(house, later)


def test_two_beats_two_relays_and_two_workers_at_once_do_no_harm(house):
    wishes = books.wishes(BURST)
    second = Shop(
        folder=house.folder / "second",
        names=("worker", "beat", "relay"),
        env={**house.shop.env, "STRIPE_API_BASE": house.shop.sandbox_url},
    )
    with second:
        house.burst(wishes)
        placed = books.finished(house, wishes)
        second.check_alive()
    assert house.has_lost_nobody()
    books.once_each(house, placed)
    books.nothing_astray(house)

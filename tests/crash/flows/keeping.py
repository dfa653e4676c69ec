"""What follows from an order: telling of it, taking the money, the warehouse, the customer."""

from collections.abc import Iterator

from tests.crash import broker, outcomes
from tests.crash.facts import Facts
from tests.crash.flows import Flow
from tests.crash.outcomes import Outcome
from tests.crash.scene import Scene


def an_order(scene: Scene) -> None:
    """Placed, and not told of yet."""
    scene.an_order()


def an_order_told_of(scene: Scene) -> None:
    """Its chain waits in the broker."""
    scene.an_order()
    scene.relay()


def an_order_captured(scene: Scene) -> None:
    """The first link is done, the second waits."""
    an_order_told_of(scene)
    broker.take("payments")


def an_order_owed(scene: Scene) -> None:
    """Two links are done, the last one waits."""
    an_order_captured(scene)
    broker.take("orders")


def take_payment_message(_scene: Scene) -> None:
    """A worker of the queue `payments`, for one message."""
    broker.take("payments")


def take_order_message(_scene: Scene) -> None:
    """A worker of the queue `orders`, for one message."""
    broker.take("orders")


def relay(scene: Scene) -> None:
    """One batch."""
    scene.relay()


def it_is_kept(facts: Facts, _outcome: Outcome) -> Iterator[str]:
    """Taken, owed by the warehouse, told, and nothing due any more."""
    for order in facts.orders:
        if order["state"] != "fulfilling" or order["next_step_at"] is not None:
            yield f"the order is {order['state']}, next step at {order['next_step_at']}"
    if not facts.orders:
        yield "the order is gone"
    if len(facts.fulfillments) != 1 or len(facts.notifications) != 1:
        yield f"{len(facts.fulfillments)} shipments, {len(facts.notifications)} notifications"


RELAY = Flow(name="relay", arrange=an_order, act=relay, expect=it_is_kept)

CAPTURE = Flow(
    name="capture",
    arrange=an_order_told_of,
    act=take_payment_message,
    strikes="capture",
    outcomes=outcomes.EFFECTS,
    declined_by="capture_refused",
    expect=it_is_kept,
)

FULFILLMENT = Flow(
    name="fulfillment", arrange=an_order_captured, act=take_order_message, expect=it_is_kept
)

NOTIFICATION = Flow(
    name="notification", arrange=an_order_owed, act=take_order_message, expect=it_is_kept
)

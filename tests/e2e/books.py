"""Holds the journal, the rows and the mail folder against each other."""

import itertools
from dataclasses import dataclass
from uuid import UUID

from checkout_project.embedded import children
from foundation.ids import public
from tests import builders

PATIENCE_SECONDS = 60
_cards = itertools.count(1)
ORDERS = """
    SELECT o.id, o.cart_id, o.state, o.email, o.stalls, o.next_step_at,
           p.id AS payment_id, p.state AS payment_state,
           (SELECT count(*) FROM orders_fulfillment f WHERE f.order_id = o.id) AS fulfillments,
           (SELECT count(*) FROM orders_notification n
             WHERE n.order_id = o.id AND n.sent_at IS NOT NULL) AS notifications,
           (SELECT max(n.attempts) FROM orders_notification n WHERE n.order_id = o.id) AS mailings
    FROM orders_order o JOIN payments_payment p ON p.id = o.payment_id
    WHERE o.cart_id = ANY(%s)
"""
PAYMENTS = """
    SELECT p.id, p.state FROM orders_checkout c JOIN payments_payment p ON p.id = c.payment_id
    WHERE c.cart_id = ANY(%s)
"""
STOCK = """
    SELECT s.sku, s.reserved,
           (SELECT coalesce(sum(r.quantity), 0) FROM orders_reservation r
             WHERE r.sku = s.sku AND r.state IN ('held', 'committed')) AS open,
           (SELECT coalesce(sum(l.quantity), 0) FROM orders_orderline l
             WHERE l.sku = s.sku) AS ordered
    FROM orders_stockitem s
"""


@dataclass(frozen=True)
class Placed:
    """An order as its row tells it."""

    id: UUID
    cart_id: str
    state: str
    email: str
    stalls: int
    next_step_at: object
    payment_id: UUID
    payment_state: str
    fulfillments: int
    notifications: int
    mailings: int | None

    @property
    def reference(self):
        return public("ord", self.id)

    @property
    def payment(self):
        return public("pay", self.payment_id)

    @property
    def is_finished(self):
        """Captured, owed by the warehouse once, the customer told once, nothing due."""
        return (
            self.payment_state == "captured"
            and self.state == "fulfilling"
            and (self.fulfillments, self.notifications) == (1, 1)
            and self.next_step_at is None
        )


def wishes(count=1, **changes):
    """So many carts, each with an idempotency key of its own: (body, key)."""
    return [(builders.a_purchase(**changes), builders.a_key()) for _ in range(count)]


def slow_card(fault, seconds):
    """A card of its own whose authorization is late in the named way."""
    return f"pm_card_visa__fault_{fault}_{seconds}__{next(_cards)}"


def carts(of):
    """The cart ids of wishes."""
    return [body["cart_id"] for body, _ in of]


def orders(house, of):
    """The orders that came of these wishes, in the order of the wishes."""
    wanted = carts(of)
    found = [Placed(**row) for row in house.rows(ORDERS, wanted)]
    return sorted(found, key=lambda order: wanted.index(order.cart_id))


def payments(house, of):
    """(reference, state) of every payment that these wishes led to."""
    return [(public("pay", row["id"]), row["state"]) for row in house.rows(PAYMENTS, carts(of))]


def eventually(holds, *, seconds=PATIENCE_SECONDS, why=""):
    """Poll until it holds; fail with what `why` tells when it never does."""
    assert children.until(holds, seconds=seconds, pause=0.05), why() if callable(why) else why


def finished(house, of, *, seconds=PATIENCE_SECONDS):
    """Wait until every wish is one order that is captured, owed and told of; return them."""

    def are_finished():
        house.look_after()
        found = orders(house, of)
        return len(found) == len(of) and all(order.is_finished for order in found)

    eventually(are_finished, seconds=seconds, why=lambda: f"unfinished: {_open(house, of)}")
    return orders(house, of)


def _open(house, of):
    return [order for order in orders(house, of) if not order.is_finished] or orders(house, of)


def once_each(house, placed, *, mailings_max=1):
    """The journal has one authorization and one capture, the folder one letter, for each order.

    A worker killed between sending a letter and noting it down sends it once more, under the
    same Message-ID; only a test that kills workers at random may allow for that.
    """
    effects = house.witness.effects()
    for order in placed:
        happened = [
            effect["effect"] for effect in effects if effect["metadata"]["payment"] == order.payment
        ]
        assert sorted(happened) == ["authorization", "capture"], order
        letters = house.mails_to(order.email)
        assert set(letters) == {f"<order_placed.{order.reference}@checkout.example>"}
        assert len(letters) <= order.mailings <= mailings_max, order


def nothing_astray(house):
    """Every live hold at the processor is an order's, and the shelf agrees with the orders."""
    owned = {row["id"] for row in house.rows("SELECT payment_id AS id FROM orders_order")}
    holders = {hold["metadata"]["payment"] for hold in house.witness.holds()}
    assert holders <= {public("pay", payment) for payment in owned}
    for shelf in house.rows(STOCK):
        assert shelf["reserved"] == shelf["open"] == shelf["ordered"]

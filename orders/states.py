"""Every legal move of a checkout, an order, a reservation and a fulfillment, on one screen."""

from typing import Final

from foundation.state_machine import StateTable

_OUTCOMES: Final = ("completed", "failed", "expired", "compensating", "needs_attention")

CHECKOUT: Final = StateTable(
    aggregate="checkout",
    moves={
        "started": ("authorizing", "failed", "expired"),
        "authorizing": ("unknown", "requires_action", "in_review", *_OUTCOMES),
        "unknown": ("authorizing", "requires_action", "in_review", *_OUTCOMES),
        "requires_action": ("authorizing", "unknown", "in_review", *_OUTCOMES),
        "in_review": _OUTCOMES,
        "compensating": ("compensated", "needs_attention"),
        "needs_attention": ("compensating", "compensated"),
        "completed": (),
        "failed": (),
        "expired": (),
        "compensated": (),
    },
)

# At most one checkout per cart may be in one of these; the others left nothing behind.
HOLDS_ITS_CART: Final = (
    "started", "authorizing", "unknown", "requires_action", "in_review", "compensating",
    "needs_attention", "completed",
)  # fmt: skip

ORDER: Final = StateTable(
    aggregate="order",
    moves={
        "placed": ("on_hold", "fulfilling", "canceled", "payment_required"),
        "on_hold": ("placed", "fulfilling", "canceled"),
        "payment_required": ("placed", "canceled"),
        "fulfilling": ("completed", "canceled", "payment_required"),
        "completed": (),
        "canceled": (),
    },
)

RESERVATION: Final = StateTable(
    aggregate="reservation",
    moves={
        "held": ("committed", "released"),
        "committed": ("consumed", "released"),
        "released": (),
        "consumed": (),
    },
)

FULFILLMENT: Final = StateTable(
    aggregate="fulfillment",
    moves={
        "pending": ("shipped", "canceled"),
        "shipped": ("delivered",),
        "delivered": (),
        "canceled": (),
    },
)

"""Every legal move of a checkout, an order and what hangs on it, on one screen."""

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
        # `canceled` past `canceling`: somebody released the hold, and there is nothing to undo
        "placed": ("on_hold", "fulfilling", "canceling", "canceled", "payment_required"),
        "on_hold": ("placed", "fulfilling", "canceling", "canceled"),
        # → completed: a part was shipped and paid, and a person says that the rest is not owed
        "payment_required": ("placed", "fulfilling", "completed", "canceling", "canceled"),
        "fulfilling": ("completed", "canceling", "canceled", "payment_required"),
        # a lock: nothing is captured, shipped or changed while the cancellation is at work
        "canceling": ("canceled",),
        "completed": (),
        "canceled": (),
    },
)

CANCELLATION: Final = StateTable(
    aggregate="cancellation",
    moves={
        "releasing": ("completed", "needs_attention"),
        "needs_attention": ("releasing", "completed"),
        "completed": (),
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

BULK_ROW: Final = StateTable(
    aggregate="bulk_row",
    moves={"pending": ("done", "refused"), "done": (), "refused": ()},
)

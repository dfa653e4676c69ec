"""Every legal move of a payment, on one screen."""

from typing import Final

from foundation.state_machine import StateTable

PAYMENT: Final = StateTable(
    aggregate="payment",
    moves={
        "authorizing": ("authorized", "declined", "requires_action", "unknown", "abandoned"),
        "unknown": ("authorized", "declined", "requires_action", "abandoned"),
        "requires_action": ("authorized", "declined", "voiding", "voided", "unknown"),
        "authorized": ("capturing", "voiding", "expired"),
        # a refused capture puts the hold back; a dead hold shows itself here first
        "capturing": ("captured", "partially_captured", "authorized", "expired", "voided"),
        # the processor may have captured it meanwhile, and then it wins
        "voiding": ("voided", "captured", "partially_captured", "authorized", "requires_action"),
        "partially_captured": ("captured", "partially_refunded", "refunded", "disputed"),
        "captured": ("partially_refunded", "refunded", "disputed"),
        "partially_refunded": ("refunded", "captured", "disputed"),
        "refunded": ("partially_refunded", "captured"),
        "disputed": ("captured", "refunded"),
        "declined": (),
        # proven never to have happened at the processor; a hold that turns up all the same
        # (a request that lay somewhere for minutes) is recorded, and released
        "abandoned": ("authorized",),
        "voided": (),
        "expired": (),
    },
)

TAKEN: Final = ("captured", "partially_captured", "partially_refunded", "refunded", "disputed")
COVERED: Final = ("authorized", "capturing", "captured", "partially_captured")
# While a capture is in doubt the hold may be dead: what covers an order, but not yet a shipment.
COVERS_SHIPMENT: Final = ("authorized", "captured", "partially_captured")

"""Every legal move of payments, refunds, disputes, payouts and processor events, on one screen."""

from typing import Final

from foundation.state_machine import StateTable

# A capture or a void of the rest ends; what was taken before went back or is disputed meanwhile.
_TAKEN_BEFORE: Final = ("partially_refunded", "refunded", "disputed", "charged_back")

PAYMENT: Final = StateTable(
    aggregate="payment",
    moves={
        "authorizing": ("authorized", "declined", "requires_action", "unknown", "abandoned"),
        "unknown": ("authorized", "declined", "requires_action", "abandoned"),
        "requires_action": ("authorized", "declined", "voiding", "voided", "unknown"),
        # the moves past `capturing` and `voiding` are what somebody did at the processor
        "authorized": (
            "capturing", "voiding", "expired", "voided", "captured", "partially_captured",
        ),
        # a refused capture puts the hold back; a dead hold shows itself here first
        "capturing": (
            "captured", "partially_captured", "authorized", "expired", "voided", *_TAKEN_BEFORE,
        ),
        # the processor may have captured it meanwhile, and then it wins
        "voiding": (
            "voided", "expired", "captured", "partially_captured", "authorized", "requires_action",
            *_TAKEN_BEFORE,
        ),
        # some of it taken, the rest still held
        "partially_captured": (
            "capturing", "voiding", "captured", "partially_refunded", "refunded", "disputed",
            "charged_back",
        ),
        "captured": ("partially_refunded", "refunded", "disputed", "charged_back"),
        "partially_refunded": ("refunded", "captured", "disputed", "charged_back"),
        "refunded": ("partially_refunded", "captured", "disputed", "charged_back"),
        "disputed": (
            "captured", "partially_captured", "partially_refunded", "refunded", "charged_back",
        ),
        "charged_back": (
            "captured", "partially_captured", "partially_refunded", "refunded", "disputed",
        ),
        "declined": (),
        # proven never to have happened at the processor; a hold that turns up all the same
        # (a request that lay somewhere for minutes) is recorded, and released
        "abandoned": ("authorized",),
        "voided": (),
        # what the processor captured in the last moment it captured
        "expired": ("captured", "partially_captured"),
    },
)  # fmt: skip

TAKEN: Final = (
    "captured", "partially_captured", "partially_refunded", "refunded", "disputed", "charged_back",
)  # fmt: skip
HELD: Final = ("authorized", "partially_captured")
COVERED: Final = ("authorized", "capturing", "captured", "partially_captured")
# While a capture is in doubt the hold may be dead: what covers an order, but not yet a shipment.
# What was given back of it in part was given back on purpose: the goods are owed as before.
COVERS_SHIPMENT: Final = ("authorized", "captured", "partially_captured", "partially_refunded")
# Claimed: somebody is asking the processor, or the answer was lost.
IN_DOUBT: Final = ("capturing", "voiding")

REFUND: Final = StateTable(
    aggregate="refund",
    moves={
        # written down, and asked for until the processor says what became of it
        "pending": ("succeeded", "failed"),
        # the bank may send it back for weeks: https://docs.stripe.com/refunds#failed-refunds
        "succeeded": ("failed",),
        "failed": (),
    },
)

DISPUTE: Final = StateTable(
    aggregate="dispute",
    # banks go on: a decided one may be reopened, or be decided again
    moves={"open": ("won", "lost"), "won": ("open", "lost"), "lost": ("open", "won")},
)

PROCESSOR_EVENT: Final = StateTable(
    aggregate="processor_event",
    moves={
        "received": ("processed", "ignored", "parked", "dead"),
        # what it speaks of is not known here yet, or somebody is at work on it
        "parked": ("processed", "ignored", "dead"),
        "dead": ("parked",),
        "processed": (),
        "ignored": (),
    },
)

PAYOUT: Final = StateTable(aggregate="payout", moves={"paid": ("failed",), "failed": ()})

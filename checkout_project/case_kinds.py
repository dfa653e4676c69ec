"""The kinds of cases: whose each is, by when, and what a person may have done about it.

With the event routes the only late binding in the house: the floors below open cases, and
the verbs are those of the floors above.
"""

from typing import Final

from foundation.case_kinds import CaseKind, CaseVerb

_HOUR: Final = 3600.0
_DAY: Final = 86_400.0
_MONEY: Final = "role:payments"
_SHOP: Final = "role:operations"

_ASK_CHECKOUT: Final = CaseVerb(
    "orders.case_verbs.take_up",
    "It is taken up where it stands: the processor is asked, and what is left is done.",
    moves_money=True,
)

_LOOK_AGAIN: Final = CaseVerb(
    "payments.case_verbs.look_again",
    "The processor is asked what it shows now, and our rows follow. Nothing is sent.",
)
_GO_ON_CANCELING: Final = CaseVerb(
    "orders.case_verbs.go_on_canceling",
    "Its cancellation is taken up where it stands: the money is asked about, then released.",
    moves_money=True,
)

CASE_KINDS: Final[dict[str, CaseKind]] = {
    # Undoing a checkout does not come to an end: held or taken money without an order.
    "checkout_not_undone": CaseKind(
        owner=_MONEY,
        due_seconds=4 * _HOUR,
        healed="orders.case_verbs.ended_checkouts",
        verbs={"retry": _ASK_CHECKOUT},
    ),
    # Its runners keep dying; no sweep takes it up any more.
    "checkout_crashing": CaseKind(
        owner=_SHOP,
        due_seconds=4 * _HOUR,
        healed="orders.case_verbs.ended_checkouts",
        verbs={
            "resume": _ASK_CHECKOUT,
            "compensate": CaseVerb(
                "orders.case_verbs.undo",
                "It goes no further: what is held is released, and no order is placed.",
                moves_money=True,
            ),
        },
    ),
    # An order whose next step was started again and again, and does not get done.
    "order_parked": CaseKind(
        owner=_SHOP,
        due_seconds=_DAY,
        healed="orders.case_verbs.moving_orders",
        verbs={
            "resume": CaseVerb(
                "orders.case_verbs.resume_order",
                "The sweep starts its next step again, as often as it would for a new order.",
            )
        },
    ),
    # Canceling an order does not come to an end: the processor is silent, or keeps the money.
    "order_not_undone": CaseKind(
        owner=_MONEY,
        due_seconds=4 * _HOUR,
        healed="orders.case_verbs.undone_orders",
        verbs={"retry": _GO_ON_CANCELING},
    ),
    "cancellation_crashing": CaseKind(
        owner=_SHOP,
        due_seconds=4 * _HOUR,
        healed="orders.case_verbs.undone_orders",
        verbs={"resume": _GO_ON_CANCELING},
    ),
    # Its hold is gone before anything was taken: nothing ships.
    "order_unpaid": CaseKind(
        owner=_SHOP,
        due_seconds=_DAY,
        healed="orders.case_verbs.paid_orders",
        verbs={
            "retry": CaseVerb(
                "orders.case_verbs.hold_again",
                "The whole amount is held anew on the card the order was bought with.",
                permission="orders.reauthorize_order",
                moves_money=True,
            ),
            "complete": CaseVerb(
                "orders.case_verbs.complete_with_shipped",
                "The order ends with what was shipped, if that is paid: the rest is not owed, its"
                " stock is for sale again, and what is still held is released.",
                permission="orders.cancel_order",
                moves_money=True,
            ),
        },
    ),
    # Its hold is gone, taken or replaced, and the order can not be brought in line with that.
    "order_not_followed": CaseKind(
        owner=_SHOP,
        due_seconds=4 * _HOUR,
        healed="orders.case_verbs.followed_orders",
        verbs={
            "retry": CaseVerb(
                "orders.case_verbs.follow_again",
                "The order is brought in line with what became of its payment, now.",
            )
        },
    ),
    # Goods left on a hold that died: somebody has to ask the shopper for the money.
    "shipped_unpaid": CaseKind(
        owner=_MONEY, due_seconds=4 * _HOUR, healed="orders.case_verbs.made_good_orders"
    ),
    # An order ended with a part, and the shopper paid for more: somebody has to give it back.
    "taken_not_shipped": CaseKind(
        owner=_MONEY, due_seconds=_DAY, healed="orders.case_verbs.given_back_orders"
    ),
    "mail_given_up": CaseKind(
        owner=_SHOP,
        due_seconds=_DAY,
        healed="orders.case_verbs.told_orders",
        verbs={
            "retry": CaseVerb(
                "orders.case_verbs.send_again", "The customer is sent the e-mail now."
            )
        },
    ),
    # A step at the processor whose outcome it does not say.
    "payment_outcome_unknown": CaseKind(
        owner=_MONEY,
        due_seconds=4 * _HOUR,
        healed="payments.case_verbs.settled_payments",
        verbs={
            "retry": CaseVerb(
                "payments.case_verbs.ask_again",
                "The processor is asked now. Nothing is sent again that may have happened.",
            )
        },
    ),
    # What is held can not be taken: the hold will run out, and perhaps the goods have left.
    "capture_refused": CaseKind(
        owner=_MONEY,
        due_seconds=4 * _HOUR,
        healed="payments.case_verbs.no_longer_refused",
        verbs={
            "retry": CaseVerb(
                "orders.case_verbs.capture_again",
                "What the order's policy says is due is captured now, if anything is.",
                permission="payments.capture_payment",
                moves_money=True,
            )
        },
    ),
    # The sweeps that ask about a payment or a refund in doubt keep dying of it.
    "resolving_crashing": CaseKind(
        owner=_SHOP,
        due_seconds=4 * _HOUR,
        healed="payments.case_verbs.asked_about",
        verbs={
            "resume": CaseVerb(
                "payments.case_verbs.let_go_on", "The sweep asks about it again, as if it were new."
            )
        },
    ),
    # More was taken than held, or than asked for: what was held is booked, the rest is not.
    "captured_above_hold": CaseKind(
        owner=_MONEY,
        due_seconds=4 * _HOUR,
        healed="payments.case_verbs.none_by_itself",
        verbs={"retry": _LOOK_AGAIN},
    ),
    # The processor shows what can not be: another currency, a hold of what was declined.
    "payment_differs": CaseKind(
        owner=_MONEY,
        due_seconds=4 * _HOUR,
        healed="payments.case_verbs.none_by_itself",
        verbs={"retry": _LOOK_AGAIN},
    ),
    "refund_outcome_unknown": CaseKind(
        owner=_MONEY,
        due_seconds=_DAY,
        healed="payments.case_verbs.ended_refunds",
        verbs={
            "retry": CaseVerb(
                "payments.case_verbs.ask_about_refund",
                "The processor is asked now. It is sent again only if it never happened.",
            )
        },
    ),
    "refund_differs": CaseKind(
        owner=_MONEY,
        due_seconds=_DAY,
        healed="payments.case_verbs.none_by_itself",
        verbs={"retry": _LOOK_AGAIN},
    ),
    # The bank returned a refund, or never carried it out: the customer is owed the money.
    "refund_came_back": CaseKind(
        owner=_MONEY,
        due_seconds=_DAY,
        healed="payments.case_verbs.none_by_itself",
        verbs={"retry": _LOOK_AGAIN},
    ),
    # Any other request whose runners keep dying: a capture, a refund, a shipment ...
    "request_crashing": CaseKind(
        owner=_SHOP,
        due_seconds=4 * _HOUR,
        healed="foundation.case_verbs.going_on",
        verbs={
            "resume": CaseVerb(
                "foundation.case_verbs.let_go_on", "The sweep takes it up again, as if it were new."
            )
        },
    ),
    "event_dead": CaseKind(
        owner=_SHOP,
        due_seconds=_DAY,
        healed="events.case_verbs.told_events",
        verbs={
            "retry": CaseVerb(
                "events.case_verbs.tell_again", "The relay tries it again, as if it were new."
            )
        },
    ),
    # Nothing is told to a client any more, because its address takes nothing.
    "webhook_endpoint_disabled": CaseKind(
        owner=_SHOP,
        due_seconds=3 * _DAY,
        healed="events.case_verbs.telling_endpoints",
        verbs={
            "enable": CaseVerb(
                "events.case_verbs.enable_endpoint",
                "What waits for it is sent again, and what happens from now on."
                " What happened meanwhile is not, unless its client asks for a replay.",
            )
        },
    ),
    # What the processor told and we could not follow: unknown to us, astray, or a bug of ours.
    "processor_event_dead": CaseKind(
        owner=_MONEY,
        due_seconds=_DAY,
        healed="payments.case_verbs.followed_events",
        verbs={
            "retry": CaseVerb(
                "payments.case_verbs.try_again",
                "The processor is asked once more about what it spoke of; our rows follow.",
            )
        },
    ),
    # A bank took money back, or asks. Its deadline is the bank's; the answer goes to the processor.
    "dispute_open": CaseKind(
        owner=_MONEY,
        due_seconds=7 * _DAY,
        healed="payments.case_verbs.decided_disputes",
    ),
}

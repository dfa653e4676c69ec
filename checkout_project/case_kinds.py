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
)


def _to_judge(due_seconds: float) -> CaseKind:
    return CaseKind(
        owner=_MONEY, due_seconds=due_seconds, healed="payments.case_verbs.never_by_itself"
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
        healed="payments.case_verbs.settled",
        verbs={
            "retry": CaseVerb(
                "payments.case_verbs.ask_again",
                "The processor is asked now. Nothing is sent again that may have happened.",
            )
        },
    ),
    # What only a person can judge: it ends when somebody closes it.
    "payment_captured_too_much": _to_judge(4 * _HOUR),
    "payment_other_currency": _to_judge(4 * _HOUR),
    "payment_held_after_all": _to_judge(4 * _HOUR),
    "payment_refund_differs": _to_judge(_DAY),
    "payment_refund_came_back": _to_judge(_DAY),
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
}

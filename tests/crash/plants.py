"""Bugs planted on purpose: a harness that can not find them proves nothing.

Each is a mistake that money code really makes, put in by replacing one function in the child
that is tried. `tests/planted` plants many more as patches of the source; these few prove
this harness, and take no copy of the project.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.db import connection

from events import outbox
from orders import inventory, placement
from payments.models import Payment
from payments.services import authorize
from payments.services.ask import Answer


def an_unknown_outcome_is_a_decline() -> None:
    """A time-out is taken for "no": the hold that was made stays behind."""
    record = authorize.record

    def hasty(payment: Payment, answer: Answer, *, by: str) -> None:
        if answer.outcome == "unknown":
            answer = replace(answer, outcome="refused", code="timeout")
        record(payment, answer, by=by)

    authorize.record = hasty


def the_order_is_committed_before_its_answer() -> None:
    """The pivot in two transactions: a crash between them leaves an order without its key."""
    place = placement.place

    def early(checkout: Any) -> Any:
        order = place(checkout)
        connection.connection.commit()
        return order

    placement.place = early


def nobody_is_asked_before_sending_again() -> None:
    """A resumed authorization is sent again under a new key, without a look-up."""
    next_call = authorize.next_call

    def blind(payment: Payment) -> Callable[[], Answer] | None:
        if payment.state in ("authorizing", "unknown") and not payment.is_fresh:
            payment.attempt += 1
            payment.save(update_fields=["attempt"])
            payment.is_fresh = True
        return next_call(payment)

    authorize.next_call = blind


def events_are_told_after_the_commit() -> None:
    """The outbox row is written when the transaction is over, or never."""
    record = outbox.record

    def late(stream: Any, events: Any, *, client_id: Any) -> None:
        def write() -> None:
            with outbox.transaction.atomic():
                record(stream, events, client_id=client_id)

        outbox.transaction.on_commit(write)

    outbox.record = late


def stock_is_not_given_back() -> None:
    """A refusal forgets the compensation."""
    inventory.release = lambda checkout_id, **_options: None


@dataclass(frozen=True)
class Plant:
    """A bug, and where it is looked for: flow, outcome and kind of point at which it does harm.

    Without a kind, the flow alone shows it: nobody has to die.
    """

    name: str
    put: Callable[[], None]
    flow: str
    outcome: str
    kind: str = ""


_ALL: Final = (
    Plant("unknown-is-declined", an_unknown_outcome_is_a_decline, "checkout", "timeout_after"),
    Plant("order-before-answer", the_order_is_committed_before_its_answer, "checkout", "approve"),
    Plant("no-look-up", nobody_is_asked_before_sending_again, "checkout", "approve", "call"),
    Plant("late-events", events_are_told_after_the_commit, "checkout", "approve", "commit"),
    Plant("stock-kept", stock_is_not_given_back, "checkout", "decline"),
)
PLANTS: Final[Mapping[str, Plant]] = {plant.name: plant for plant in _ALL}


def plant(name: str) -> None:
    """In a child: put one bug into it; '' puts none. Raises `KeyError`."""
    if name:
        PLANTS[name].put()

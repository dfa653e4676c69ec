"""What makes good what others dropped: cancellations, holds released in bulk, news never heard."""

from collections.abc import Iterator

from orders import bulk
from orders.models import BulkRow
from payments.services import void
from tests.crash import broker, outcomes
from tests.crash.facts import Facts
from tests.crash.flows import Flow
from tests.crash.flows.buying import LEASE_IS_OVER_SECONDS
from tests.crash.flows.desk import an_order_kept, asking, it_is_canceled_or_kept
from tests.crash.flows.sweeping import an_order, it_is_released
from tests.crash.outcomes import Outcome
from tests.crash.scene import Scene

_STAFF = "staff:7"
_REASON = "the customer called"
_LEAVES_A_TRACE = tuple(o for o in outcomes.EFFECTS if o is not outcomes.DECLINE)
_ask_to_cancel = asking("orders/{order}/cancel", reason="customer asked")


def a_cancellation_in_doubt(scene: Scene) -> None:
    """The order is stopped; the processor never heard that its hold is to be released."""
    scene.an_order()
    _leave_in_doubt(scene, "cancel")


def a_cancellation_of_what_was_taken(scene: Scene) -> None:
    """The same after the money was taken: it never heard of the refund."""
    an_order_kept(scene)
    _leave_in_doubt(scene, "refund")


def _leave_in_doubt(scene: Scene, operation: str) -> None:
    scene.fault(operation, "reset_before")
    _ask_to_cancel(scene)
    scene.later(LEASE_IS_OVER_SECONDS)


def recover_cancellations(scene: Scene) -> None:
    """The sweep of the second saga."""
    scene.run("orders.tasks.recover_cancellations")


def it_is_canceled(facts: Facts, outcome: Outcome) -> Iterator[str]:
    """It only goes forward: whole, and canceled."""
    yield from it_is_canceled_or_kept(facts, outcome)
    if [order["state"] for order in facts.orders] != ["canceled"]:
        yield f"the order is {[order['state'] for order in facts.orders]}"


def release_in_bulk(scene: Scene) -> None:
    """Staff choose it among others, and a worker takes the row."""
    run = bulk.begin([scene.payment().pk], by=_STAFF, reason=_REASON)
    bulk.work(BulkRow.objects.get(run=run).pk)


def a_bulk_run_whose_message_was_lost(scene: Scene) -> None:
    """Chosen, and told to nobody who came to it."""
    an_order_kept_from_settling(scene)
    bulk.begin([scene.payment().pk], by=_STAFF, reason=_REASON)
    _lose_what_is_told(scene)


def an_order_kept_from_settling(scene: Scene) -> None:
    """Placed, and the message that would have it captured is lost for now."""
    scene.an_order()
    _lose_what_is_told(scene)


def finish_bulk_runs(scene: Scene) -> None:
    """The sweep that works rows whose message was lost."""
    scene.run("orders.tasks.finish_bulk_runs")


def a_void_nobody_heard_of(scene: Scene) -> None:
    """Its hold is released, and the broker lost the news for the order."""
    scene.an_order()
    void.void(scene.payment().pk, by=_STAFF, reason=_REASON)
    _lose_what_is_told(scene)


def _lose_what_is_told(scene: Scene) -> None:
    scene.relay()
    broker.forget()
    scene.later(LEASE_IS_OVER_SECONDS)


def follow_unheard(scene: Scene) -> None:
    """The sweep that reads in the rows what nobody was told."""
    scene.run("orders.tasks.follow_unheard_payments")


RECOVER_CANCEL_HELD = Flow(
    name="recover-cancel-held-order",
    arrange=a_cancellation_in_doubt,
    act=recover_cancellations,
    again=_ask_to_cancel,
    strikes="cancel",
    outcomes=_LEAVES_A_TRACE,
    expect=it_is_canceled,
)

RECOVER_CANCEL_TAKEN = Flow(
    name="recover-cancel-captured-order",
    arrange=a_cancellation_of_what_was_taken,
    act=recover_cancellations,
    again=_ask_to_cancel,
    strikes="refund",
    outcomes=_LEAVES_A_TRACE,
    expect=it_is_canceled,
)

BULK_VOID = Flow(
    name="bulk-void",
    arrange=an_order,
    act=release_in_bulk,
    strikes="cancel",
    outcomes=_LEAVES_A_TRACE,
    variants=("never",),
    expect=it_is_released,
)

FINISH_BULK_VOID = Flow(
    name="finish-bulk-void",
    arrange=a_bulk_run_whose_message_was_lost,
    act=finish_bulk_runs,
    strikes="cancel",
    outcomes=_LEAVES_A_TRACE,
    variants=("never",),
    expect=it_is_released,
)

FOLLOW_UNHEARD = Flow(
    name="follow-unheard-payment",
    arrange=a_void_nobody_heard_of,
    act=follow_unheard,
    variants=("never",),
    expect=it_is_released,
)

"""Lost answers of captures and releases, a release by staff, holds that end, keys forgotten."""

from collections.abc import Iterator

from django.conf import settings

from foundation import clock
from payments.services import capture, void
from tests.crash import outcomes, world
from tests.crash.facts import Facts
from tests.crash.flows import Flow
from tests.crash.flows.buying import LEASE_IS_OVER_SECONDS
from tests.crash.flows.keeping import it_is_kept
from tests.crash.outcomes import Outcome
from tests.crash.scene import Scene

_LEAVES_A_TRACE = tuple(o for o in outcomes.EFFECTS if o is not outcomes.DECLINE)


def a_capture_whose_answer_was_lost(scene: Scene) -> None:
    """The processor took the money; we do not know."""
    _capture_badly(scene, "lost_reply")


def a_capture_that_was_lost(scene: Scene) -> None:
    """The processor never heard of it; we do not know."""
    _capture_badly(scene, "reset_before")


def _capture_badly(scene: Scene, fault: str) -> None:
    order = scene.an_order()
    scene.fault("capture", fault)
    capture.capture(order.payment_id, by="system:settlement")
    scene.later(LEASE_IS_OVER_SECONDS)


def a_release_that_was_lost(scene: Scene) -> None:
    """Staff released the hold; the processor never heard of it."""
    scene.an_order()
    scene.fault("cancel", "reset_before")
    release(scene)
    scene.later(LEASE_IS_OVER_SECONDS)


def release(scene: Scene) -> None:
    """A person releases the hold of an order that is not captured yet."""
    void.void(scene.payment().pk, by="staff:7", reason="the customer called")


def a_hold_that_ran_out(scene: Scene) -> None:
    """Nobody took it in time; the processor let it go, and we were not told."""
    scene.an_order()
    hold = scene.payment()
    scene.sandbox.backstage(f"holds/{hold.processor_reference}/expire")
    scene.later((hold.capture_before - clock.now()).total_seconds() + 60)


def expire(scene: Scene) -> None:
    """The sweep that asks about holds whose time is up."""
    scene.run("payments.tasks.expire_authorizations")


def resolve(scene: Scene) -> None:
    """The sweep that settles what was left in the middle."""
    scene.run("payments.tasks.resolve_unknown")


def an_order(scene: Scene) -> None:
    """Placed, not told of yet."""
    scene.an_order()


def an_old_key(scene: Scene) -> None:
    """An order that was kept, and whose key has been kept for long enough."""
    scene.an_order()
    world.tell_everything(scene)
    scene.later(settings.IDEMPOTENCY_KEEP.total_seconds() + 86_400)


def reap(scene: Scene) -> None:
    """The daily job that deletes them."""
    scene.run("orders.tasks.reap_idempotency_keys")


def it_is_released(facts: Facts, _outcome: Outcome) -> Iterator[str]:
    """Voided here and there, the order canceled, the stock back; or never begun, and kept."""
    states = [payment["state"] for payment in facts.payments]
    if not facts.audit:
        if states != ["captured"]:
            yield f"nobody released it, and the payment is {states}"
        return
    if states != ["voided"] or [order["state"] for order in facts.orders] != ["canceled"]:
        yield f"payment {states}, orders {[order['state'] for order in facts.orders]}"


def it_ran_out(facts: Facts, _outcome: Outcome) -> Iterator[str]:
    """Expired here as there; the order waits for money, and nothing of it ships."""
    states = [payment["state"] for payment in facts.payments]
    if states != ["expired"] or [order["state"] for order in facts.orders] != ["payment_required"]:
        yield f"payment {states}, orders {[order['state'] for order in facts.orders]}"


def it_is_forgotten(facts: Facts, _outcome: Outcome) -> Iterator[str]:
    """The key is gone, the order stays, and what comes with the key is a new request."""
    if len(facts.orders) != 1:
        yield f"{len(facts.orders)} orders"


RESOLVE_TAKEN = Flow(
    name="resolve-capture-taken",
    arrange=a_capture_whose_answer_was_lost,
    act=resolve,
    strikes="retrieve",
    outcomes=outcomes.LOOK_UPS,
    variants=("never",),
    expect=it_is_kept,
)

RESOLVE_LOST = Flow(
    name="resolve-capture-lost",
    arrange=a_capture_that_was_lost,
    act=resolve,
    strikes="capture",
    outcomes=_LEAVES_A_TRACE,
    variants=("never",),
    expect=it_is_kept,
)

RESOLVE_VOID = Flow(
    name="resolve-void-lost",
    arrange=a_release_that_was_lost,
    act=resolve,
    strikes="cancel",
    outcomes=_LEAVES_A_TRACE,
    variants=("never",),
    expect=it_is_released,
)

VOID = Flow(
    name="void",
    arrange=an_order,
    act=release,
    strikes="cancel",
    outcomes=_LEAVES_A_TRACE,
    variants=("never",),
    expect=it_is_released,
)

EXPIRY = Flow(
    name="expiry",
    arrange=a_hold_that_ran_out,
    act=expire,
    strikes="retrieve",
    outcomes=outcomes.LOOK_UPS,
    variants=("never",),
    expect=it_ran_out,
)

REAPER = Flow(
    name="key-reaper",
    arrange=an_old_key,
    act=reap,
    variants=("never",),
    keeps_keys=False,
    expect=it_is_forgotten,
)

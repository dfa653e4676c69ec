"""The shopper presses Pay; and what the sweep makes of a checkout that nobody finished."""

from collections.abc import Iterator

from tests.crash import outcomes
from tests.crash.facts import Facts
from tests.crash.flows import BY_CARD, Flow
from tests.crash.outcomes import Outcome
from tests.crash.scene import Scene

FORWARD_IS_OVER_SECONDS = 16 * 60.0
LEASE_IS_OVER_SECONDS = 76.0
_UNDONE = ("expired", "compensated")


def nothing_yet(_scene: Scene) -> None:
    """The stage as it is."""


def press_pay(scene: Scene) -> None:
    """The request, and hearing its answer."""
    scene.buy()


def the_card_decides(facts: Facts, outcome: Outcome) -> Iterator[str]:
    """A good card ends in an order however the processor stumbled; a bad one in none.

    A 500 that is stored under its key is answered for ever, and who died before the answer can
    not know that a new key would do no harm: that one is undone when its time is over.
    """
    wanted = {"decline": ("failed",), "500_before": ("completed", *_UNDONE)}
    for checkout in facts.checkouts:
        if checkout["state"] not in wanted.get(outcome.name, ("completed",)):
            yield f"the checkout is {checkout['state']}"


def an_answer_was_lost(scene: Scene) -> None:
    """The processor held the money, nobody heard it, and the lease is over."""
    scene.fault("create", "lost_reply")
    scene.buy()
    scene.later(LEASE_IS_OVER_SECONDS)


def it_is_too_late(scene: Scene) -> None:
    """As above, and so long ago that it must be undone."""
    an_answer_was_lost(scene)
    scene.later(FORWARD_IS_OVER_SECONDS)


def recover(scene: Scene) -> None:
    """The sweep that finishes or undoes checkouts."""
    scene.run("orders.tasks.recover_checkouts")


def it_is_undone(facts: Facts, _outcome: Outcome) -> Iterator[str]:
    """No order came of it."""
    for checkout in facts.checkouts:
        if checkout["state"] != "compensated":
            yield f"the checkout is {checkout['state']}, not compensated"


CHECKOUT = Flow(
    name="checkout",
    arrange=nothing_yet,
    act=press_pay,
    strikes="create",
    outcomes=outcomes.EFFECTS,
    declined_by=BY_CARD,
    again=press_pay,
    expect=the_card_decides,
)

RECOVERY = Flow(
    name="recovery",
    arrange=an_answer_was_lost,
    act=recover,
    strikes="search",
    outcomes=outcomes.LOOK_UPS,
    again=press_pay,
    expect=the_card_decides,
)

COMPENSATION = Flow(
    name="compensation",
    arrange=it_is_too_late,
    act=recover,
    strikes="cancel",
    outcomes=tuple(o for o in outcomes.EFFECTS if o is not outcomes.DECLINE),
    again=press_pay,
    expect=it_is_undone,
)

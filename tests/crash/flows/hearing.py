"""The processor tells us what happened: its events, to our endpoint."""

from tests.crash import incoming
from tests.crash.flows import Flow
from tests.crash.flows.buying import an_answer_was_lost, press_pay, the_card_decides
from tests.crash.scene import Scene


def hear(scene: Scene) -> None:
    """Every event of this payment, in order, as it is sent at least once."""
    scene.deliver_events()


def hear_again(scene: Scene) -> None:
    """The processor, not sure, sends them again; the client repeats as well."""
    hear(scene)
    press_pay(scene)


EVENTS_IN = Flow(
    name="processor-events",
    arrange=an_answer_was_lost,
    act=hear,
    again=hear_again,
    expect=the_card_decides,
    why_not=incoming.why_not,
)

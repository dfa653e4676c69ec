"""A trial under way: what is known of it so far, and how the world goes on after a blow."""

from dataclasses import dataclass, field
from typing import Any, Final

from tests.crash import broker, flows, world
from tests.crash.flows import Flow
from tests.crash.outcomes import Outcome
from tests.crash.points import Trial
from tests.crash.scene import Scene, Stage
from tests.crash.world import IsKnown

_LEASE_IS_OVER_SECONDS: Final = 76.0


@dataclass
class Case:
    """A trial, and what is known of it so far: what the next process must be told."""

    trial: Trial
    stage: Stage | None = None
    since: int = 0  # the first transaction of this trial
    heard: list[dict[str, Any]] = field(default_factory=list)

    @property
    def flow(self) -> Flow:
        """The flow that is tried."""
        return flows.every()[self.trial.flow]

    @property
    def outcome(self) -> Outcome:
        """What the processor does."""
        return self.flow.outcome(self.trial.outcome)


def to_rest(scene: Scene, case: Case, *, is_known: IsKnown | None) -> int:
    """To rest: from the blow on, or from where a killed recovery left it; returns the rounds."""
    if case.trial.second is None:
        begin_again(scene, case)
    return world.drain(scene, is_known=is_known)


def go_on(scene: Scene, case: Case) -> None:
    """All that follows a blow."""
    begin_again(scene, case)
    world.drain(scene)


def begin_again(scene: Scene, case: Case) -> None:
    """What the broker still has, and the client: nobody comes, or he repeats."""
    if case.trial.variant == "never":
        broker.forget()
    else:
        broker.redeliver()
        _come_back(scene, case)


def _come_back(scene: Scene, case: Case) -> None:
    """The client repeats: at once, and when the dead one's lease is over."""
    if case.flow.again is not None:
        case.flow.again(scene)
        scene.later(_LEASE_IS_OVER_SECONDS)
        case.flow.again(scene)

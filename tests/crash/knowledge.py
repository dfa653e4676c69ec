"""Whether a world is known to end well, and what becomes of one that is not."""

from typing import Any

from tests.crash import broker, world
from tests.crash.case import Case, to_rest
from tests.crash.imprint import fingerprint, imprint
from tests.crash.scene import Scene
from tests.crash.standstill import Standstills
from tests.crash.verdict import called_inside, verdict_on
from tests.crash.waypoints import Waypoints

Told = dict[str, Any]


class Knowledge:
    """Of one trial: what its blow left, and what the same world came to before.

    What has no blow or a planted bug is always driven to its end. A second blow struck a recovery
    anywhere: what it left is driven, until it comes by a world that is known.
    """

    def __init__(self, standstills: Standstills, scene: Scene, case: Case) -> None:
        self._standstills, self._scene, self._case = standstills, scene, case
        self._left = self._read() if self._may_be_known else ""

    @property
    def _may_be_known(self) -> bool:
        trial = self._case.trial
        return trial.blow is not None and trial.second is None and not trial.plant

    def _read(self) -> str:
        return imprint(self._scene, since=self._case.since)

    def _name(self, world: str, *place: str) -> str:
        return fingerprint(world, self._case.trial.flow, self._case.trial.outcome, *place)

    def _of_left(self, variant: str) -> str:
        return self._name(self._left, variant)

    def of_this(self) -> Told | None:
        """What came of the world that this blow left, when it was left before."""
        if not self._left:
            return None
        told = self._standstills.known(self._of_left(self._case.trial.variant))
        return told and told | {"is_known": True}

    def of_others(self) -> dict[str, Told]:
        """By variant: what came of the same world where the client did the other thing."""
        if not self._left:
            return {}
        others = [v for v in self._case.flow.variants if v != self._case.trial.variant]
        found = {v: self._standstills.known(self._of_left(v), may_check=False) for v in others}
        return {v: told | {"is_known": True} for v, told in found.items() if told}

    def drive(self) -> Told:
        """To rest, and every rule; or until a world is met from where all is known."""
        if self._case.trial.plant:
            return self._drive(None)
        is_whole = self._case.trial.blow is None
        way = Waypoints(self._scene, self._standstills, self._place, is_whole=is_whole)
        told = self._drive(way)
        if not told["verdict"]:
            way.remember(told)
            if self._left:
                left = self._of_left(self._case.trial.variant)
                self._standstills.remember(left, told | {"is_cut": False})
        return told

    def _place(self, stride: str) -> str:
        return self._name(self._read(), stride)

    def _drive(self, way: Waypoints | None) -> Told:
        scene, case = self._scene, self._case
        scene.probe.arm()
        try:
            rounds = to_rest(scene, case, is_known=way.is_known if way else None)
            recovery, points = scene.worked_until, len(scene.probe.points)
            scene.probe.disarm()
            if way and way.told:
                return way.whole(rounds=rounds, recovery=recovery, points=points)
            verdict = verdict_on(scene, case)
        except (world.NoRest, broker.MessagesWithoutEnd) as error:
            rounds, recovery, verdict = world.ROUNDS_MAX, 0, str(error)
        verdict = verdict or called_inside(scene.recorder)
        return {
            "verdict": verdict, "rounds": rounds, "recovery": recovery, "parked": scene.is_parked(),
        }  # fmt: skip

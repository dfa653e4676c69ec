"""What a recovery comes by on its way to rest, and whether all is known from there.

Before each round the world is read. Where another trial of the same story stood in it at the
same stride, and came to rest with every rule asked, this one would do the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.crash.scene import Scene
from tests.crash.standstill import Standstills

Told = dict[str, Any]


@dataclass(frozen=True)
class _Passed:
    world: str
    rounds: int
    points: int


class Waypoints:
    """One recovery's way. `told` is what came of the world at which it could end.

    `is_whole`: it goes to its end, whatever is known; so does one that is a spot check.
    """

    def __init__(
        self,
        scene: Scene,
        standstills: Standstills,
        name: Callable[[str], str],
        *,
        is_whole: bool,
    ) -> None:
        self._scene, self._standstills, self._name = scene, standstills, name
        self._is_whole = is_whole
        self._passed: list[_Passed] = []
        self.told: Told | None = None

    def is_known(self, level: int, rounds: int) -> bool:
        """Whether the world as it stands before a round at this stride is known to end well."""
        world = self._name(f"stride {level}")
        if not self._is_whole:
            self.told = self._standstills.known(world)
            self._is_whole = self.told is None and self._standstills.has(world)
        if self.told is None:
            self._passed.append(_Passed(world, rounds, len(self._scene.probe.points)))
        return self.told is not None

    def whole(self, *, rounds: int, recovery: int, points: int) -> Told:
        """What came of it, had it gone on: its own way, and the rest that is known.

        `recovery`: the points until the last work, of the `points` that it came by itself.
        """
        assert self.told is not None
        rest = self.told["recovery"]
        return self.told | {
            "rounds": rounds + self.told["rounds"],
            "recovery": points + rest if rest else recovery,
            "is_cut": True,
        }

    def remember(self, told: Told) -> None:
        """All went well: so it does for whoever comes by one of these worlds."""
        for passed in self._passed:
            if not self._standstills.has(passed.world):
                self._standstills.remember(passed.world, _after(passed, told))


def _after(passed: _Passed, told: Told) -> Told:
    return {
        "verdict": "",
        "rounds": told["rounds"] - passed.rounds,
        "recovery": max(0, told["recovery"] - passed.points),
        "parked": told["parked"],
    }

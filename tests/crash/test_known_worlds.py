"""What a trial need not do again, and what it does again nevertheless."""

import datetime as dt
from types import SimpleNamespace

import pytest

from foundation import clock
from tests.crash.plain import without_moments
from tests.crash.points import Blow, Trial
from tests.crash.standstill import SPOT_CHECK, Standstills
from tests.crash.trial import Result
from tests.crash.waypoints import Waypoints

WELL = {"verdict": "", "rounds": 5, "recovery": 300, "parked": False}


@pytest.fixture
def standstills(tmp_path):
    return Standstills(tmp_path)


def a_way(standstills, *, is_whole=False, points=100):
    scene = SimpleNamespace(probe=SimpleNamespace(points=[None] * points))
    return Waypoints(scene, standstills, lambda stride: f"world at {stride}", is_whole=is_whole)


def test_a_way_ends_where_another_came_by_and_came_to_rest(standstills):
    first = a_way(standstills)
    assert not first.is_known(0, 2)
    first.remember(WELL)

    second = a_way(standstills)
    assert second.is_known(0, 1)

    whole = second.whole(rounds=1, recovery=90, points=100)
    assert (whole["rounds"], whole["recovery"]) == (1 + 5 - 2, 100 + 300 - 100)


def test_after_the_last_work_of_a_recovery_there_is_nothing_to_strike(standstills):
    first = a_way(standstills, points=301)
    assert not first.is_known(0, 2)  # after its last work, at the 300th point
    first.remember(WELL)

    second = a_way(standstills)
    assert second.is_known(0, 1)

    assert second.whole(rounds=1, recovery=90, points=100)["recovery"] == 90


def test_a_way_does_not_end_at_another_stride(standstills):
    first = a_way(standstills)
    first.is_known(0, 0)
    first.remember(WELL)

    assert not a_way(standstills).is_known(1, 0)


def test_a_way_that_must_be_whole_does_not_end_though_all_is_known(standstills):
    first = a_way(standstills)
    first.is_known(0, 0)
    first.remember(WELL)

    assert not a_way(standstills, is_whole=True).is_known(0, 0)


def test_a_spot_check_is_driven_to_its_end(standstills):
    first = a_way(standstills)
    for stride in (0, 1):
        first.is_known(stride, stride)
    first.remember(WELL)
    for _ in range(SPOT_CHECK - 1):
        assert a_way(standstills).is_known(0, 0)

    checked = a_way(standstills)

    assert [checked.is_known(stride, stride) for stride in (0, 1)] == [False, False]


def test_who_can_not_check_leaves_the_spot_check_to_the_next_one(standstills):
    standstills.remember("one", WELL)
    for _ in range(SPOT_CHECK - 1):
        assert standstills.known("one") == WELL

    assert standstills.known("one", may_check=False) is None
    assert standstills.known("one", may_check=False) is None

    assert standstills.known("one") is None
    assert standstills.known("one", may_check=False) == WELL


def test_one_kill_answers_for_the_other_variant_of_the_same_blow_when_its_world_is_known():
    trial = Trial("capture", "approve", variant="again", blow=Blow(3, "after"))
    result = Result(trial, also={"never": WELL | {"is_known": True}})

    (other,) = result.of_others()

    assert other.trial == Trial("capture", "approve", variant="never", blow=Blow(3, "after"))
    assert other.is_known
    assert other.is_by_another
    assert other.rounds == WELL["rounds"]


@pytest.mark.parametrize(
    ("one", "other", "are_alike"),
    [(1, 3, True), (76, 77, True), (76, 152, False), (1276, 1352, True), (76, 1276, False)],
)
def test_moments_count_by_the_strides_that_lie_between(one, other, are_alike):
    words = [without_moments(clock.now() - dt.timedelta(seconds=ago)) for ago in (one, other)]

    assert (words[0] == words[1]) is are_alike


def test_what_is_to_come_is_not_like_what_has_been():
    hour = dt.timedelta(hours=1)

    assert without_moments(clock.now() - hour) != without_moments(clock.now() + hour)

"""The explorer explores: all schedules, each once, each repeatable; it finds what is there."""

import itertools
from unittest import mock

import pytest
from django.db import transaction
from django.db.models import F

from orders.models import StockItem
from tests.races.explorer import explore
from tests.races.explorer.explore import Explorer
from tests.races.explorer.pair import Pair
from tests.races.explorer.pairs.money import CaptureMeetsVoid
from tests.races.explorer.schedules import (
    Choice,
    Wandering,
    Written,
    all_schedules,
    essential,
    parse,
    spelled,
)
from tests.races.test_explored_pairs import stage as stage
from tests.races.test_explored_pairs import transactional_db as transactional_db


def played(turns, *, steps):
    """A run of actors who never wait, each with so many steps."""
    left, last, choices, script = dict(steps), None, [], Written(tuple(turns))
    while able := tuple(name for name in sorted(left) if left[name]):
        who = script.choose(len(choices), able, last)
        choices.append(Choice(who, able, last, point=""))
        left[who], last = left[who] - 1, who
    return choices


def preemptions(choices):
    return sum(choice.preempts(choice.who) for choice in choices)


@pytest.mark.parametrize("steps", [{"A": 4, "B": 3}, {"A": 5, "B": 5}, {"A": 3, "B": 2, "C": 2}])
def test_every_schedule_of_at_most_two_preemptions_is_played_once_and_no_other(steps):
    ways = set(itertools.permutations("".join(name * count for name, count in steps.items())))
    few = {way for way in ways if preemptions(played(way, steps=steps)) <= 2}

    chosen = all_schedules(lambda turns: played(turns, steps=steps), bound=2)
    runs = [tuple(choice.who for choice in played(turns, steps=steps)) for turns in chosen]

    assert len(runs) == len(set(runs))
    assert set(runs) == few


def test_a_limit_takes_of_every_number_of_preemptions():
    steps = {"A": 10, "B": 10}
    chosen = list(all_schedules(lambda turns: played(turns, steps=steps), bound=2, limit=30))
    counts = [preemptions(played(turns, steps=steps)) for turns in chosen]

    assert len(set(chosen)) == len(chosen) == 30
    assert min(counts.count(0), counts.count(1), counts.count(2)) >= 2


def test_a_schedule_is_read_back_as_it_is_written():
    assert spelled("AAABA") == "A3BA"
    assert parse("A3BA") == parse("AAABA") == ("A", "A", "A", "B", "A")
    for nonsense in ("a3", "A-1", "3A", "A B"):
        with pytest.raises(ValueError, match="not a schedule"):
            parse(nonsense)


def test_the_essential_part_of_a_run_brings_back_the_whole_run():
    steps = {"A": 6, "B": 6}
    for turns in ("AABBBA", "BAB", "", "B", "AAAAAABB"):
        run = played(turns, steps=steps)
        again = played(essential(run), steps=steps)
        assert [choice.who for choice in again] == [choice.who for choice in run]


class _Counting(Pair):
    """Two who take one unit each: nothing must be lost."""

    guard = ""

    def arrange(self):
        self.sku = self.a_product()

    def actors(self):
        return [self.take, self.take]

    def promise(self, *ended):
        left = StockItem.objects.get(sku=self.sku).on_hand
        if left != 8:
            yield f"{left} left"

    def take(self):
        item = StockItem.objects.get(sku=self.sku)
        StockItem.objects.filter(sku=self.sku).update(on_hand=item.on_hand - 1)


class _CountingWell(_Counting):
    def take(self):
        StockItem.objects.filter(sku=self.sku).update(on_hand=F("on_hand") - 1)


class _CountingUnderALock(_Counting):
    def take(self):
        with transaction.atomic():
            item = StockItem.objects.select_for_update(no_key=True).get(sku=self.sku)
            item.on_hand -= 1
            item.save(update_fields=["on_hand"])


def test_a_lost_update_is_found_and_its_schedule_finds_it_again(stage):
    with Explorer(_Counting, stage) as explorer:
        (violation,) = explorer.explore().violations
        assert violation.broke == ("9 left",)
        assert violation.preemptions == 1

        again = explorer.play(Written(parse(violation.schedule)))
        assert explorer.found.violations[1] == violation
        assert [step.point.split()[0] for step in again.choices] == ["SELECT"] * 2 + ["UPDATE"] * 2


def test_nothing_is_found_where_nothing_is_lost(stage):
    with Explorer(_CountingWell, stage) as explorer:
        found = explorer.explore()
    assert (found.schedules, found.violations) == (2, [])


def test_who_waits_for_a_lock_is_skipped_until_it_is_free(stage):
    with Explorer(_CountingUnderALock, stage) as explorer:
        run = explorer.play(Written(parse("AB")))
        assert spelled(run.turns) == "ABA2B2"
        assert run.waits == 1

        found = explorer.explore()
    assert found.waits > 0
    assert found.violations == []


class _Crossing(Pair):
    """Two who lock two rows the other way round."""

    guard = ""

    def arrange(self):
        self.forth = [self.a_product(), self.a_product()]

    def actors(self):
        return [lambda: self.lock(self.forth), lambda: self.lock(self.forth[::-1])]

    def lock(self, skus):
        with transaction.atomic():
            for sku in skus:
                StockItem.objects.filter(sku=sku).update(on_hand=1)

    def promise(self, *ended):
        return iter(())


def test_a_deadlock_is_broken_by_postgresql_and_told_to_the_code(stage):
    with Explorer(_Crossing, stage) as explorer:
        run = explorer.play(Written(parse("AB")))
    assert run.conflicts == ("40P01",)
    assert sum(ended.error is not None for ended in run.ended) == 1


def test_statements_commits_and_calls_to_the_processor_are_the_points(stage):
    with Explorer(CaptureMeetsVoid, stage) as explorer:
        run = explorer.play(Written())
    points = [choice.point.split()[0] for choice in run.choices]

    assert {"SELECT", "WITH", "COMMIT", "POST", "ROLLBACK"} <= set(points)
    assert points[points.index("POST") - 1] == "COMMIT"


def test_a_random_walk_is_the_same_walk_for_the_same_seed(stage):
    with Explorer(CaptureMeetsVoid, stage) as explorer:
        first, again = (explorer.play(Wandering(seed=7)) for _ in range(2))
    assert first.turns == again.turns
    assert first.preemptions > 2


def test_a_world_that_does_not_come_to_rest_is_a_violation(stage):
    def restless():
        raise explore.NoRest("something stays open")

    with (
        Explorer(_CountingWell, stage) as explorer,
        mock.patch.object(explore, "come_to_rest", restless),
    ):
        (violation,) = explorer.explore().violations
    assert violation.broke == ("something stays open",)

"""Every pair of the race explorer, with some of its schedules; and every control.

All schedules: `python -m tests.races.explorer --all`.
"""

import argparse

import pytest
from django.core.management.sql import emit_post_migrate_signal

from tests.races.explorer.command import _limit
from tests.races.explorer.explore import Explorer, clean
from tests.races.explorer.pairs import PAIRS, WHOLE
from tests.races.explorer.stage import staged

SOME = 6
EVERY_PAIR = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)


@pytest.fixture(scope="module")
def transactional_db(django_db_setup, django_db_blocker):
    """In the place of pytest-django's, which empties every table after each test.

    Here each schedule has a world of its own, and what is broken is cleaned up by the explorer.
    """
    with django_db_blocker.unblock():
        yield
        clean()
        emit_post_migrate_signal(verbosity=0, interactive=False, db="default")  # permissions


@pytest.fixture(scope="module")
def stage(transactional_db, _sandbox_process):
    """The processor, and settings under which a schedule does the same thing twice."""
    with staged(_sandbox_process):
        yield _sandbox_process


@EVERY_PAIR
def test_no_schedule_breaks_the_promise(pair, stage):
    with Explorer(pair, stage) as explorer:
        found = explorer.explore(limit=SOME)

    assert found.schedules > 1
    assert not found.violations, found.violations[0]
    assert not found.diverged, found.diverged[0]


@EVERY_PAIR
def test_control_without_its_guard_a_schedule_with_a_preemption_breaks_it(pair, stage):
    with Explorer(pair, stage, control=True) as explorer:
        found = explorer.explore()

    assert found.violations, f"{pair.title()}: nothing broke although {pair.guard}"
    assert found.violations[0].preemptions, f"it breaks without a race: {found.violations[0]}"


def test_the_pairs_that_must_be_whole_are_played_whole_and_others_in_part():
    wanted = argparse.Namespace(limit=None, others=7)

    limits = {name: _limit(pair, wanted, control=False) for name, pair in PAIRS.items()}

    assert set(PAIRS) >= WHOLE
    assert {name for name, limit in limits.items() if limit is None} == WHOLE
    assert set(limits.values()) == {None, 7}


def test_a_control_goes_on_until_it_breaks_whatever_others_are_given():
    wanted = argparse.Namespace(limit=None, others=7)

    assert {_limit(pair, wanted, control=True) for pair in PAIRS.values()} == {None}

"""Every pair of the explorer, with a bounded number of schedules; and every control."""

import pytest

from tests.races.explorer.explore import Explorer
from tests.races.explorer.pairs import PAIRS
from tests.races.explorer.stage import staged

SCHEDULES = 60
ALL = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)


@pytest.fixture
def stage(transactional_db, sandbox):
    with staged(sandbox):
        yield sandbox


@ALL
def test_no_schedule_breaks_the_promise(pair, stage):
    with Explorer(pair, stage) as explorer:
        found = explorer.explore(limit=SCHEDULES)

    print(found)
    assert not found.violations, "\n".join(map(str, found.violations))


@ALL
def test_control_without_its_guard_the_pair_breaks(pair, stage):
    with Explorer(pair, stage, control=True) as explorer:
        found = explorer.explore()

    print(found)
    assert found.violations, f"{pair.title()}: nothing broke although {pair.guard}"

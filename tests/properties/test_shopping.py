"""Whatever shoppers, staff, time and the processor do, in any order: no world is impossible."""

import os

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis.stateful import run_state_machine_as_test

from tests.properties.shopping import Shopping

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "12"))
# Each seed is a test of its own with all the examples, so that several processes can share them.
SEEDS = os.environ.get("MODEL_SEEDS", "").split()
STEPS = int(os.environ.get("MODEL_STEPS", "25"))
RULES = hypothesis.settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    derandomize="MODEL_EXAMPLES" not in os.environ,
    phases=[Phase.generate, *([Phase.shrink] if "MODEL_SHRINK" in os.environ else [])],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("seed", SEEDS or [None])
def test_whatever_happens_in_any_order_the_model_finds_a_world_that_explains_it(
    shop, settings, seed
):
    settings.STRIPE_READ_SECONDS = 0.3
    machine = type("ShoppingHere", (Shopping,), {"sandbox": shop})
    if seed is not None:
        machine = hypothesis.seed(int(seed))(machine)

    run_state_machine_as_test(machine, settings=RULES)

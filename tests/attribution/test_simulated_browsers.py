"""The measured gap is the injected one: each cause exactly, each rate within its sampling error.

Tolerance: a measured share lies within four standard errors of the rate that was injected, which
chance alone leaves once in some fifteen thousand times; the seeds are fixed.
"""

import math
from collections import Counter

import pytest

from attribution.figures import fold
from attribution.gap.measuring import day_of, measure
from foundation import clock
from tests.attribution.browsers import Rates, Simulation

COUNT = 1_500
WORLDS = {
    "nothing happens": Rates(),
    "ad blockers": Rates(blocks_ads=0.25),
    "consent banners": Rates(refuses_consent=0.4, has_no_client_id=0.1),
    "redirects and refreshes": Rates(loses_the_redirect=0.12, refreshes=0.3),
    "everything": Rates(
        refuses_consent=0.2, has_no_client_id=0.05, blocks_ads=0.15, loses_the_redirect=0.05,
        refreshes=0.08, tells_another_value=0.03, is_a_test=0.02, is_a_ghost=0.04,
    ),
}  # fmt: skip


@pytest.fixture(params=WORLDS)
def world(request, client):
    simulation = Simulation(client, WORLDS[request.param], count=COUNT, seed=request.param)
    today = day_of(clock.now())
    return simulation, measure(today, today, base="placed")[client.pk]


def test_the_simulated_gap_comes_back_cause_by_cause(world):
    simulation, figures = world
    found = Counter()
    for figure in figures:
        found[f"{figure.outcome} {figure.cause}"] += figure.count

    assert found == simulation.injected


def test_the_rates_come_back_within_their_sampling_error(world):
    simulation, figures = world
    rates, (gap,) = simulation.rates, fold(figures, ())
    heard = 1 - rates.refuses_consent
    named = heard * (1 - rates.has_no_client_id)
    seen = named * (1 - rates.blocks_ads) * (1 - rates.loses_the_redirect)
    expected = {
        "missing consent_denied": rates.refuses_consent,
        "missing no_client_id": heard * rates.has_no_client_id,
        "missing unknown": named - seen,
        "duplicate ": seen * rates.refreshes,
        "matched value_differs": seen * rates.tells_another_value,
    }

    assert abs(gap.count_gap - (1 - seen)) <= _tolerance(1 - seen, gap.orders)
    for name, rate in expected.items():
        outcome, cause = name.split(" ")
        found = gap.causes.get((outcome, cause))
        share = found.count / gap.orders if found else 0.0
        assert abs(share - rate) <= _tolerance(rate, gap.orders), name


def _tolerance(rate, count):
    return 4 * math.sqrt(rate * (1 - rate) / count)

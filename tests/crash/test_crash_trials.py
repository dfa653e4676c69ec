"""A small run of the crash trials, and the proof that they can find something.

The whole of it is `python -m tests.crash --all`; see docs/testing.md.
"""

import json
import subprocess
import sys

import pytest

from tests.crash import plan, run
from tests.crash.imprint import masked
from tests.crash.plan import Wish
from tests.crash.plants import PLANTS
from tests.crash.points import Blow, Point, Trial, normalized
from tests.crash.progress import line_of
from tests.crash.report import Report
from tests.crash.scene import Stage
from tests.crash.standstill import SPOT_CHECK, Standstills
from tests.crash.trial import Result
from tests.sandbox import ROOT

FLOWS = {
    "cancel-captured-order", "cancel-held-order", "capture", "capture-part", "checkout",
    "compensation", "confirm", "expiry", "fulfillment", "key-reaper", "notification",
    "processor-events", "recovery", "refund-part", "relay", "resolve-capture-lost",
    "resolve-capture-taken", "resolve-void-lost", "void",
}  # fmt: skip


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """What `python -m tests.crash --small` found, on the servers of this run."""
    report = tmp_path_factory.mktemp("crash") / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash", "--small", "--workers", "2", "--json", str(report)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert report.exists(), done.stderr[-3000:]
    return json.loads(report.read_text()) | {"exit": done.returncode, "said": done.stdout}


@pytest.mark.timeout(900)
def test_no_process_that_dies_anywhere_breaks_a_promise(small_run):
    assert [failure["line"] for failure in small_run["failures"]] == []
    assert small_run["exit"] == 0, small_run["said"]
    assert small_run["singles"] >= 60
    assert small_run["doubles"] >= 10


@pytest.mark.timeout(900)
def test_every_flow_of_the_house_is_tried_and_its_points_are_discovered(small_run):
    assert set(small_run["points"]) >= FLOWS
    assert small_run["points"]["checkout"]["approve"] >= 20
    assert set(small_run["kinds"]) >= {
        "sql", "begin", "commit", "call", "publish", "ack", "response", "mail",
    }  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
@pytest.mark.timeout(900)
def test_a_planted_bug_is_found(small_run, name):
    assert small_run["planted"][name]["found"], small_run["planted"][name]["line"]
    assert f"--plant {name}" in small_run["planted"][name]["line"]


def a_result(*, points=(), blow=None, status="ok", **facts):
    return Result(Trial("checkout", "approve", blow=blow), status, points=list(points), **facts)


def a_report(results, *, points, **wish):
    told = a_result(points=points)
    return Report(Wish(**wish), workers=1, discoveries=[told], skipped=[], results=results)


def test_a_discovered_point_that_nobody_struck_fails_a_whole_run():
    points = [("begin", "BEGIN"), ("commit", "COMMIT")]
    begin = Blow(0, "before", Point(0, *points[0]).identity)

    report = a_report([a_result(blow=begin)], points=points)

    commit = f"checkout / approve / {Point(1, *points[1]).identity}"
    assert report.unexercised[1:] == [f"{commit} before", f"{commit} after", f"{commit} lost"]
    assert not report.is_good


def test_each_moment_is_tried_once_and_covers_both_sides_of_every_point():
    points = [("begin", "BEGIN"), ("sql", "SELECT 1"), ("commit", "COMMIT")]

    trials = plan.singles(Wish(variants=("never",)), [a_result(points=points)])

    assert [(trial.blow.ordinal, trial.blow.side) for trial in trials] == [
        (0, "before"), (0, "after"), (1, "after"), (2, "after"), (2, "lost"),
    ]  # fmt: skip
    results = [a_result(blow=trial.blow) for trial in trials]
    assert a_report(results, points=points).unexercised == []


def test_a_process_that_does_not_come_to_its_point_fails_the_run():
    report = a_report([a_result(blow=Blow(0, "before"), status="unreached")], points=[])

    assert not report.is_good


def test_only_what_has_an_acknowledgement_can_lose_it():
    sides = {kind: Point(0, kind, "").sides for kind in ("sql", "commit", "call", "publish", "ack")}

    assert sides == {
        "sql": ("before", "after"),
        "commit": ("before", "after", "lost"),
        "call": ("before", "after", "lost"),
        "publish": ("before", "after", "lost"),
        "ack": ("before", "after"),
    }


def test_a_point_is_the_same_from_run_to_run():
    texts = ("GET /v1/payment_intents/pi_3AbC", "UPDATE  x\n WHERE id IN (%s, %s, %s)")

    assert [normalized(text) for text in texts] == [
        "GET /v1/payment_intents/pi_*",
        "UPDATE x WHERE id IN (%s...)",
    ]
    assert normalized('SAVEPOINT "s140_x1"') == normalized('SAVEPOINT "s999_x7"')


def test_a_failure_is_one_line_with_the_command_that_repeats_it():
    failed = a_result(blow=Blow(7, "lost", "7:commit:abc"), status="violated", detail="m1: 1 here")

    assert line_of(failed) == (
        "VIOLATED checkout / approve / point 7:commit:abc lost / never: m1: 1 here -- "
        "python -m tests.crash --flow checkout --outcome approve --variant never "
        "--point 7 --side lost"
    )


def test_a_sample_is_the_same_for_the_same_seed():
    points = [("sql", f"SELECT {number}") for number in range(50)]
    told = [a_result(points=points)]

    one, again, other = (plan.singles(Wish(sample=10, seed=seed), told) for seed in (1, 1, 2))

    assert one == again
    assert one != other
    assert len(one) == 10


def test_a_second_blow_falls_anywhere_in_the_recovery_after_the_first():
    first = a_result(blow=Blow(3, "before"), recovery_points=40)

    pairs = plan.doubles(Wish(doubles=40), [first])

    assert {pair.blow for pair in pairs} == {Blow(3, "before")}
    assert {pair.second.ordinal for pair in pairs} == set(range(40))


def test_a_long_recovery_takes_no_second_blows_from_the_short_ones():
    long = a_result(blow=Blow(3, "before"), recovery_points=1_000)
    short = Result(Trial("void", "approve", blow=Blow(5, "before")), recovery_points=20)

    pairs = plan.doubles(Wish(doubles=30), [long, short])

    assert sorted(pair.flow for pair in pairs) == sorted([long.trial.flow, "void"] * 15)


def test_a_second_blow_needs_a_recovery_that_was_driven():
    known = a_result(blow=Blow(3, "before"), recovery_points=40, is_known=True)

    assert plan.doubles(Wish(doubles=40), [known]) == []


def a_double(ordinal, status="ok"):
    second = Blow(ordinal, "after")
    return Result(Trial("checkout", "approve", blow=Blow(3, "before"), second=second), status)


def test_a_second_blow_that_nobody_came_to_falls_earlier_by_the_seed_and_nowhere_twice():
    tried = [a_double(0), *(a_double(nth, "unreached") for nth in (38, 39, 40))]

    one, again = (plan.moved(Wish(seed=7), tried, again=0) for _ in range(2))

    assert one == again != plan.moved(Wish(seed=8), tried, again=0)
    assert set(one) == {result.trial for result in tried[1:]}
    places = {trial.second.ordinal for trial in one.values()}
    assert len(places) == 3
    assert max(places) < 40
    assert not places & {0}


class _ShortRecoveries:
    """A pool whose recoveries have so many points."""

    def __init__(self, points):
        self.points = points

    def imap_unordered(self, _try, trials, _chunk):
        for trial in trials:
            is_reached = trial.second.ordinal < self.points
            yield Result(trial, "ok" if is_reached else "unreached")


@pytest.mark.parametrize(("points", "failures"), [(40, 0), (0, 40)])
def test_a_double_that_is_never_reached_fails_the_run_and_only_then(points, failures):
    first = a_result(blow=Blow(3, "before"), recovery_points=45)
    report = a_report([first], points=[], doubles=40)

    report.results += run._try_doubles(_ShortRecoveries(points), report.wish, report)

    assert len(report.failures) == failures
    told = report.as_json()
    assert told["doubles"] == 40
    assert (told["doubles_struck_earlier"] > 0) == (failures == 0)


def test_a_worker_takes_a_row_of_trials_and_of_a_small_run_a_short_one():
    assert [run._in_a_row(trials) for trials in (0, 10, 60, 112, 9_414)] == [1, 1, 2, 4, 24]


def test_a_world_is_driven_when_it_is_new_and_again_one_time_in_twenty(tmp_path):
    standstills, told = Standstills(tmp_path), {"rounds": 3}

    assert standstills.known("one") is None
    standstills.remember("one", told)
    met = [standstills.known("one") for _ in range(2 * SPOT_CHECK)]

    assert met.count(None) == 2
    assert met.count(told) == 2 * SPOT_CHECK - 2
    assert standstills.known("another") is None


def test_two_trials_of_one_story_leave_the_same_words_and_another_amount_leaves_others():
    one, other = a_stage_of("1"), a_stage_of("2")
    said = '{"email": "%s", "payment": "pay_aaaaaaaaaaaaaaaaaaaaaaaa%s", "captured": %s}'

    words = [
        masked(said % (stage.body["customer"]["email"], nth, amount), stage)
        for stage, nth, amount in ((one, "b", 4298), (other, "c", 4298), (other, "c", 4297))
    ]

    assert words[0] == words[1] != words[2]


def a_stage_of(whose):
    body = {
        "customer": {"email": f"{whose}@example.com", "reference": f"cus-{whose}"},
        "cart_id": f"cart-{whose}", "payment_method": f"pm_card_visa__{whose}",
    }  # fmt: skip
    return Stage(f"SKU-{whose}", whose, f"sk-{whose}", f"key-{whose}", body, f"10.0.0.{whose}")

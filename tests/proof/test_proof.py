"""A part of the proof that hangs ends, is not well, and says so; pairs are dealt to workers."""

import os
import sys
import time
from pathlib import Path

import pytest

from tests.proof import __main__ as proof
from tests.proof import limited
from tests.proof.page import _crash as crash_section
from tests.proof.page import page
from tests.proof.parts import PARTS, Part
from tests.races.explorer import workers

SLEEP = (sys.executable, "-c", "import time; time.sleep(600)")
WITH_A_CHILD = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep({})
"""


def a_part(*argv, seconds=600.0):
    return Part(name="crash", title="A part", argv=argv, tells="json", seconds=seconds)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with Path(f"/proc/{pid}/stat").open() as told:
        return told.read().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize(("lives", "status"), [(600, None), (0, 0)])
def test_nothing_that_a_command_started_outlives_it(tmp_path, lives, status):
    file = tmp_path / "pid"
    command = [sys.executable, "-c", WITH_A_CHILD.format(lives), str(file)]

    assert limited.run(command, seconds=2.0, environ=os.environ, cwd=tmp_path) == status

    child = int(file.read_text())
    deadline = time.monotonic() + 5
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_alive(child)


def test_a_part_whose_time_is_up_is_not_well_and_the_page_says_so(capfd):
    done = proof._run(a_part(*SLEEP, seconds=0.3), 1, 1)

    assert (done["is_good"], done["is_time_up"], done["told"]) == (False, True, None)
    assert "NOT WELL, time is up" in capfd.readouterr().out
    about = {
        "commit": "none",
        "started_at": "now",
        "cores": 2,
        "seconds": 1,
        "versions": {},
        "machine": "x",
    }
    written = page(about | {"parts": {"crash": done}})
    assert "| A part | time is up | **no** |" in written
    assert "| Together, some side by side |  | 0 of 1 |" in written


def test_what_mostly_waits_runs_beside_the_others_and_all_are_told_in_their_order(monkeypatch):
    moments = {}

    def run(part, _number, _count, *, is_over):
        moments[part.name] = [time.monotonic()]
        time.sleep(0.5)
        moments[part.name].append(time.monotonic())
        return {"title": part.name}

    monkeypatch.setattr(proof, "_run", run)
    parts = [
        Part(name=name, title=name, argv=(), tells="json", seconds=9, is_beside=name == "waits")
        for name in ("first", "waits", "last")
    ]

    told = proof._run_all(parts)

    assert list(told) == ["first", "waits", "last"]
    assert moments["waits"][0] < moments["first"][1]
    assert moments["last"][0] >= moments["first"][1]


def test_who_is_interrupted_ends_what_runs_beside_as_well(monkeypatch):
    command = (sys.executable, "-c", "import time; time.sleep(600)")
    beside = Part(
        name="waits", title="waits", argv=command, tells="json", seconds=600, is_beside=True
    )

    def interrupted(part, number, count, *, is_over):
        if part.is_beside:
            return one(part, number, count, is_over=is_over)
        time.sleep(0.5)
        raise KeyboardInterrupt

    one = proof._run
    monkeypatch.setattr(proof, "_run", interrupted)
    started = time.monotonic()

    with pytest.raises(KeyboardInterrupt):
        proof._run_all([a_part(), beside])

    assert time.monotonic() - started < 60


def test_the_page_says_how_much_was_struck_and_how():
    told = {
        "seed": 1, "points": {"capture": {"approve": 9}}, "kinds": {"sql": 9}, "sides": 40,
        "unexercised": ["one"], "worlds_met_before": 7, "doubles_struck_earlier": 2,
        "by_the_kill_of_another": 3, "worlds_met_on_the_way": 4,
        "planted": {"bug": {"found": True}},
    }  # fmt: skip

    written = crash_section(told)

    assert "40, of which 39 were struck (97.5 %)" in written
    assert "| capture | 1 | 9 |" in written
    assert "shorter: 2. Planted here: 1 of 1 found." in written


def test_every_part_has_a_limit():
    assert all(part.seconds > 0 for part in PARTS)


def test_the_model_is_asked_for_at_least_300_histories_by_different_seeds():
    (model,) = (part.environ for part in PARTS if part.name == "model")
    seeds = model["MODEL_SEEDS"].split()

    assert len(set(seeds)) == len(seeds)
    assert len(seeds) * int(model["MODEL_EXAMPLES"]) >= 300


def test_pairs_are_dealt_so_that_each_is_played_once():
    names = ["a", "b", "c", "d", "e"]

    assert workers.deal(names, workers=2) == [["a", "c", "e"], ["b", "d"]]
    assert workers.deal(["a"], workers=2) == [["a"]]


def test_what_the_workers_told_is_put_in_the_order_of_the_pairs():
    def told(pair, is_control):
        return {"pair": pair, "is_control": is_control}

    first = {"explorations": [told("a", False), told("a", True), told("c", True)]}
    second = {"explorations": [told("b", True), told("b", False)]}

    merged = workers.merged([first, second, {}], names=["a", "b", "c"])

    order = [(each["pair"], each["is_control"]) for each in merged]
    assert order == [("a", False), ("a", True), ("b", False), ("b", True), ("c", True)]

"""The benchmark runs from end to end, and its report has every line; how fast is not asked here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import plot
from benchmarks.limit import MARK, script
from benchmarks.meters import Statements
from benchmarks.report import Line, Report
from benchmarks.sizes import TINY

ROOT = Path(__file__).resolve().parents[2]
LINES = [
    "checkouts, as a share of pgbench",
    "latency p50 / p95 / p99",
    "CPU per checkout",
    "CPU for one order, all in all",
    "machine taken by other programs",
    "SQL statements per checkout",
    "commits per checkout",
    "checkouts, next to a plain DRF view",
    "SQL statements per replay",
    "one hot SKU, as a share of many SKUs",
    "the same, relay, worker and beat running",
    "relay: outbox row to settlement task",
    "reconciliation: 2,000 lines, as a multiple of a bare join",
]
CLIENT = "01a2030d-5c30-7262-8b71-dc49e8b6d0fd"
ORDER = "01a2030d-5ef7-7090-9027-e0f4213379e9"


@pytest.mark.e2e
def test_a_tiny_run_reports_every_line_and_every_answer_was_a_201(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--tiny", "--results", str(tmp_path)],
        cwd=ROOT,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        capture_output=True,
        text=True,
        timeout=280,
    )

    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    assert all(name in ran.stdout for name in LINES)
    # Without a network the package it needs can not be had; everything else about it is ours.
    for fault in ("the plain view has no tables", "the plain view does not start"):
        assert fault not in ran.stdout, ran.stdout[-2000:]
    kept = json.loads((tmp_path / "latest.json").read_text())
    assert [line["name"] for line in kept["lines"]] == LINES
    assert kept["is_valid"] is True
    by_name = {line["name"]: line["figures"] for line in kept["lines"]}
    assert by_name["commits per checkout"]["commits"] == pytest.approx(2, abs=0.01)
    assert by_name["SQL statements per checkout"]["statements"] > 5
    assert min(by_name["CPU per checkout"].values()) > 0


def test_every_id_of_a_recorded_checkout_becomes_a_variable_except_the_clients():
    bare = ORDER.replace("-", "")
    made = script(
        [
            f"VALUES ('{bare}'::uuid, '{CLIENT}'::uuid, 'pi_18ea5b12c6', 'k-{MARK}')",
            f'VALUES (\'{{"order": "{ORDER}"}}\'); SET "card_fingerprint" = \'e686d0\'',
        ],
        keep=CLIENT,
    )

    assert bare not in made
    assert ORDER not in made
    assert CLIENT in made
    assert made.count("01900000-0000-7000-8000-:id") == 2
    assert "'pi_:id'" in made
    assert "'k-:id'" in made
    assert "'fp:id'" in made


def test_transaction_control_and_foreign_key_checks_are_no_statements_of_ours():
    counted = Statements(
        {
            "BEGIN": 2,
            "COMMIT": 2,
            "SET lock_timeout = 1": 1,
            'SELECT 1 FROM ONLY "public"."orders_order" x WHERE "id" = $1 FOR KEY SHARE OF x': 9,
            "SELECT $1": 1,
            "INSERT INTO orders_order VALUES ($1)": 1,
        }
    )

    assert counted.commits == 2
    assert counted.total == 2


def test_a_run_with_a_bad_answer_says_so_on_every_page():
    report = Report(
        lines=[Line("checkouts", "9 %", ">= 25 %", met=False)],
        machine={"cores": "2"},
        sizes=TINY,
        invalid=["checkouts: answers {500: 1}"],
        bars=[plot.Bar("checkouts", 0.09, goal=0.25)],
    )

    assert "INVALID RUN" in report.as_table()
    assert "INVALID RUN" in report.as_page()
    assert json.loads(report.as_json())["is_valid"] is False
    assert "NOT MET" in report.as_table()


def test_the_longest_bar_fills_the_plot_and_the_goal_is_drawn_where_it_is():
    drawn = plot.bars([plot.Bar("limit <1>", 1.0), plot.Bar("ours", 0.5, goal=0.25)])

    assert 'width="340.0"' in drawn
    assert 'width="170.0"' in drawn
    assert 'x1="385.0"' in drawn
    assert "limit &lt;1&gt;" in drawn

"""The patches still fit; `make prove` plants them all, here one is planted to prove the hunt."""

import dataclasses

import pytest

from tests.planted.bug import ROOT
from tests.planted.bugs import BUGS
from tests.planted.hunt import hunt_by

ONE = next(bug for bug in BUGS if bug.name == "the body is not compared with the one first sent")


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_fits_the_code_in_one_place(bug):
    assert (ROOT / bug.file).read_text().count(bug.before) == 1
    assert bug.before != bug.after


def test_no_bug_is_planted_twice():
    assert len({bug.name for bug in BUGS}) == len(BUGS)
    assert len({(bug.file, bug.before, bug.after) for bug in BUGS}) == len(BUGS)


def test_a_planted_bug_is_found_and_a_harmless_change_is_not():
    harmless = dataclasses.replace(ONE, name="harmless", after=ONE.before + "  # harmless")

    found, missed = hunt_by([ONE, harmless], workers=2)

    assert found.is_good, found
    assert missed.suite_is_green, missed
    assert not missed.is_found, missed

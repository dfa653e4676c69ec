"""A request that kills whoever works on it is parked with a case; a person sets it going again."""

import pytest

from foundation import actions, cases
from foundation.actions import Action, Wish
from foundation.idempotency import Answer
from foundation.models import Case, IdempotencyKey
from tests.stories import world

WORKED = []


@pytest.fixture
def deadly(transactional_db):
    """An action whose every runner dies, until it is repaired."""
    WORKED.clear()
    broken = [True]

    def finish(subject_id):
        WORKED.append(subject_id)
        if broken:
            raise world.ProcessDied
        return Answer(200, b"done")

    action = Action("shipment", finish, lambda subject_id: Answer(202, b"at it"))
    with pytest.raises(world.ProcessDied):
        actions.perform(action, Wish("a client:POST /x", "key-1", {}), begin=lambda _: None)
    return action, broken


def sweep(action):
    world.later()
    try:
        return actions.recover({action.kind: action}, limit=5)
    except world.ProcessDied:
        return -1


def test_what_kills_its_runners_is_parked_and_worked_on_no_more(deadly, settings):
    action, _ = deadly
    for _ in range(settings.CRASHES_MAX):
        sweep(action)
    assert len(WORKED) == settings.CRASHES_MAX + 1

    for _ in range(3):
        assert sweep(action) == 0

    assert len(WORKED) == settings.CRASHES_MAX + 1
    case = Case.objects.get(kind="request_crashing")
    assert case.aggregate_id == IdempotencyKey.objects.get().pk
    assert "shipment" in case.title


def test_a_person_sets_it_going_again_once_its_cause_is_gone(deadly, settings):
    action, broken = deadly
    for _ in range(settings.CRASHES_MAX + 1):
        sweep(action)
    broken.clear()

    told = cases.act(Case.objects.get().pk, verb="resume", by="staff:ana", reason="repaired")

    assert told == "The next sweep takes it up again."
    assert Case.objects.get().state == "resolved"
    assert sweep(action) == 1
    assert IdempotencyKey.objects.get().response_status == 200


def test_what_dies_again_is_parked_again_with_a_case_of_its_own(deadly, settings):
    action, _ = deadly
    for _ in range(settings.CRASHES_MAX + 1):
        sweep(action)
    cases.act(Case.objects.get().pk, verb="resume", by="staff:ana", reason="hoping")
    for _ in range(settings.CRASHES_MAX + 2):
        sweep(action)

    assert sorted(Case.objects.values_list("state", flat=True)) == ["open", "resolved"]

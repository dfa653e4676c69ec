"""Schedules that can not differ are left out, and nothing that can happen is lost with them."""

import re

import pytest
from django.apps import apps
from django.db import connection

from tests.races.explorer.books import read_books
from tests.races.explorer.explore import Explorer
from tests.races.explorer.footprints import ANYTHING, AUTOCOMMIT, EMPTY, footprints, touches
from tests.races.explorer.pairs.money import CaptureMeetsVoid, NewsMeetsNews
from tests.races.explorer.reduction import Reduction
from tests.races.explorer.schedules import Choice, Written, all_schedules
from tests.races.test_explored_pairs import stage as stage
from tests.races.test_explored_pairs import transactional_db as transactional_db

READ = 'SELECT "state" FROM "payments_payment" WHERE "id" = %s'
WRITE = 'UPDATE "payments_payment" SET "state" = %s'
ELSEWHERE = 'UPDATE "orders_stockitem" SET "on_hand" = %s'


def steps_of(*moves):
    """The footprints of a run, told as ("A", point), ("B", point, who waits)..."""
    return footprints([Choice(who, (who,), None, point, tuple(w)) for who, point, *w in moves])


def test_what_is_not_committed_meets_no_reader_and_its_commit_does():
    write, read, other, commit = steps_of(
        ("A", WRITE), ("B", READ), ("B", ELSEWHERE), ("A", "COMMIT")
    )
    assert not write.meets(read)
    assert commit.meets(read)
    assert not commit.meets(other)
    assert steps_of(("A", WRITE + AUTOCOMMIT))[0].meets(read)


def test_two_who_read_are_strangers_and_two_who_write_or_lock_one_table_meet():
    read, write, lock = (touches(sql) for sql in (READ, WRITE, f"{READ} FOR NO KEY UPDATE"))
    assert not read.meets(read)
    assert write.meets(write)
    assert lock.meets(write)
    assert not write.meets(touches(ELSEWHERE))


def test_a_new_row_meets_whoever_locks_the_row_that_it_refers_to():
    assert touches('INSERT INTO "payments_paymenttransaction"').meets(touches(WRITE))


def test_a_question_to_the_processor_meets_what_is_done_there_and_no_other_question():
    ask, act = touches("GET /v1/payment_intents/pi_1"), touches("POST /v1/payment_intents")
    assert not ask.meets(ask)
    assert ask.meets(act)
    assert act.meets(act)


@pytest.mark.parametrize("point", ["TIME 76 s", "SELECT pg_advisory_lock(1)", "whatever"])
def test_time_and_what_is_not_known_meet_everything(point):
    assert touches(point) == ANYTHING
    assert touches(point).meets(EMPTY)


def test_whoever_waits_for_a_lock_goes_on_within_the_step_that_frees_it():
    *_, commit = steps_of(("A", WRITE), ("B", ELSEWHERE), ("A", "COMMIT", "B"))
    assert commit.meets(touches(ELSEWHERE))


def test_no_trigger_looks_at_another_table(stage):
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, prosrc"
            " FROM pg_trigger JOIN pg_proc ON tgfoid = pg_proc.oid WHERE NOT tgisinternal"
        )
        for table, source in cursor.fetchall():
            assert set(re.findall(r"\w+", source)) & tables <= {table}


class Table:
    """Actors who go through their points, and nobody waits: what schedules of these there are."""

    def __init__(self, **points):
        self.points, self.played = points, []

    def play(self, turns):
        left, last, choices = {k: list(v) for k, v in self.points.items()}, None, []
        script = Written(tuple(turns))
        while able := tuple(name for name in sorted(left) if left[name]):
            who = script.choose(len(choices), able, last)
            choices.append(Choice(who, able, last, left[who].pop(0)))
            last = who
        self.played.append(choices)
        return choices

    def outcomes(self, branches):
        """The orders in which steps that meet were taken, over all schedules."""
        self.played.clear()
        list(all_schedules(self.play, bound=2, **branches))
        return {frozenset(_order(choices)) for choices in self.played}


def _order(choices):
    steps, named, count = footprints(choices), [], {}
    for choice in choices:
        count[choice.who] = count.get(choice.who, 0) + 1
        named.append(f"{choice.who}{count[choice.who]}")
    for early in range(len(choices)):
        for late in range(early + 1, len(choices)):
            if steps[early].meets(steps[late]):
                yield named[early], named[late]


TABLES = [
    {"A": [READ, ELSEWHERE, WRITE, "COMMIT"], "B": [READ, WRITE, "COMMIT"]},
    {"A": [READ, READ, ELSEWHERE, "COMMIT"], "B": [ELSEWHERE, READ, "COMMIT", WRITE, "COMMIT"]},
    {"A": [READ, WRITE, "COMMIT"], "B": [ELSEWHERE, "COMMIT"], "C": [READ, "TIME 1 s", READ]},
    {"A": [READ, "GET /v1/x"], "B": ["POST /v1/x", WRITE, "COMMIT"], "C": [READ, "GET /v1/x"]},
]  # fmt: skip


@pytest.mark.parametrize("points", TABLES)
def test_every_order_of_the_steps_that_meet_is_played_and_with_fewer_schedules(points):
    table = Table(**points)

    every, all_count = table.outcomes({}), len(table.played)
    reduced, few = table.outcomes({"branches": Reduction(bound=2)}), len(table.played)

    assert reduced == every
    assert few < all_count


def what_happened(pair, ended):
    """A world at rest, without ids: how the actors ended, the paths of the payment, its effects."""
    books = read_books(pair.client_id, pair.skus)
    return (
        tuple(type(each.error).__name__ for each in ended),
        tuple((move["from_state"], move["to_state"]) for move in books.moves),
        tuple(sorted(event["type"] for event in books.events)),
        tuple(effect["effect"] for effect in pair.effects(pair.payment, "capture", "cancel")),
    )


@pytest.mark.parametrize(("pair", "control"), [(CaptureMeetsVoid, True), (NewsMeetsNews, False)])
def test_what_can_happen_to_a_pair_happens_with_the_schedules_that_are_left(pair, control, stage):
    def found(*, reduced):
        happened = set()

        class _Watched(pair):
            def promise(self, *ended):
                happened.add(what_happened(self, ended))
                yield from super().promise(*ended)

        with Explorer(_Watched, stage, control=control) as explorer:
            count = explorer.explore(reduced=reduced, violations_max=10_000).schedules
        return happened, count

    (few_happened, few), (happened, every) = found(reduced=True), found(reduced=False)

    assert few_happened == happened
    assert few < every

"""What the rules said is kept, shown, and told to whoever asks by hand; a look never writes."""

import datetime as dt
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from foundation import clock, tasks
from foundation.inspection import inspect
from foundation.invariants import Invariant, every_rule
from foundation.models import InvariantResult
from orders.models import Checkout
from payments.models import Payment
from tests.desk import Desk
from tests.invariants.breaking import break_rule
from tests.stories import world

RULE = "every_payment_has_a_checkout"


def result(*, everything=False):
    return InvariantResult.objects.get(name=RULE, everything=everything)


@pytest.fixture
def an_orphan(api):
    """A payment that no checkout knows of."""
    payment = world.an_order(api).payment
    break_rule(RULE)
    return payment


def test_every_rule_is_asked_and_its_answer_kept(api):
    world.an_order(api)

    inspect(everything=True)

    kept = InvariantResult.objects.filter(everything=True)
    assert {row.name for row in kept} == {rule.name for rule in every_rule()}
    assert {row.state for row in kept} == {"green"}


def test_a_broken_rule_is_red_with_its_rows_until_it_holds_again(an_orphan):
    inspect(everything=False)
    since = result().red_since
    clock.move(dt.timedelta(minutes=15))
    inspect(everything=False)

    assert (result().state, result().violations, result().red_since) == ("red", 1, since)
    assert result().rows[0]["row_id"] == str(an_orphan.pk)

    Payment.objects.update(stream=Checkout.objects.get().pk)
    inspect(everything=False)
    assert (result().state, result().red_since, result().rows) == ("green", None, [])


def test_a_green_look_at_recent_rows_does_not_hide_a_red_one_at_all(an_orphan, settings):
    settings.INVARIANT_WINDOW_DAYS = 1
    clock.move(dt.timedelta(days=3))

    inspect(everything=True)
    inspect(everything=False)

    assert (result().state, result(everything=True).state) == ("green", "red")


def test_a_rule_that_could_not_be_asked_is_not_green(api, monkeypatch):
    def too_slow(self, **_):
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(Invariant, "violations", too_slow)
    inspect(everything=False)

    assert (result().state, result().red_since is None) == ("unreadable", False)


def test_a_look_that_ran_out_of_time_begins_with_the_rest(api, settings):
    settings.SWEEP_BUDGET_SECONDS = 0.0
    assert inspect(everything=False) == []
    settings.SWEEP_BUDGET_SECONDS = 30.0
    inspect(everything=False)
    InvariantResult.objects.filter(name=RULE).update(checked_at=clock.now() - dt.timedelta(days=1))

    assert inspect(everything=False)[0].name == RULE


def test_beat_twice_in_a_window_asks_once(api, monkeypatch):
    asked = []
    monkeypatch.setattr("foundation.inspection.inspect", lambda **how: asked.append(how))
    for _ in range(2):
        tasks.check_invariants()
        tasks.check_all_invariants()
    clock.move(dt.timedelta(minutes=16))
    tasks.check_invariants()

    assert asked == [{"everything": False}, {"everything": True}, {"everything": False}]


def test_the_command_shows_progress_names_the_offenders_and_fails(an_orphan):
    said = StringIO()
    with pytest.raises(CommandError, match=RULE):
        call_command("check_invariants", stdout=said)

    assert f"{RULE}: BROKEN by 1 rows" in said.getvalue()
    assert f"payment {an_orphan.pk}: authorized" in said.getvalue()
    assert f"[1/{len(list(every_rule()))}]" in said.getvalue()
    assert not InvariantResult.objects.exists()


def test_the_command_is_content_when_every_rule_holds(api):
    world.an_order(api)
    said = StringIO()
    call_command("check_invariants", "--days", "1", stdout=said)

    assert "rules hold." in said.getvalue()


def test_the_command_fails_when_a_rule_can_not_be_read(api, monkeypatch):
    def gone(self, **_):
        raise OperationalError("statement timeout")

    monkeypatch.setattr(Invariant, "violations", gone)
    said = StringIO()
    with pytest.raises(CommandError):
        call_command("check_invariants", RULE, stdout=said)
    assert f"COULD NOT BE READ {RULE}" in said.getvalue()


def test_the_command_refuses_a_rule_that_does_not_exist(db):
    with pytest.raises(CommandError, match="There is no rule 'nonsense'"):
        call_command("check_invariants", "nonsense")


def test_staff_see_red_rules_and_find_the_rows_that_break_them(an_orphan):
    inspect(everything=False)
    desk = Desk("vera")

    listed = desk.page("foundation_invariantresult_changelist", holds="no")
    page = desk.page("foundation_invariantresult_change", result().pk)

    assert RULE in listed
    assert "stock_is_not_oversold" not in listed
    assert "Every payment belongs to the story of a checkout." in page
    assert f"/admin/payments/payment/{an_orphan.pk}/change/" in page

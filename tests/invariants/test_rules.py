"""Every rule holds in a shop that works, and every rule sees what it forbids."""

import datetime as dt

import pytest
from django.db import DatabaseError, connection, transaction

from foundation import cases, clock, invariants
from foundation.cases import Subject
from foundation.ids import new_id
from foundation.invariants import Invariant, every_rule
from foundation.models import AuditEntry, Case, Transition
from orders.checkout.recovery import recover_checkouts
from orders.models import Order
from tests import builders
from tests.invariants.breaking import BREAKS, break_rule, unguarded
from tests.postgres.guards import lifted
from tests.stories import world


def broken():
    """The names of the rules that do not hold now."""
    return {rule.name for rule in every_rule() if rule.violations(limit=1).count}


@pytest.fixture
def busy_shop(api):
    """An order that went all the way, and attempts that ended in every other way."""
    world.an_order(api)
    world.play_events()
    assert api.checkout(builders.a_purchase(payment_method=builders.decline())).status_code == 402
    too_many = [{"sku": "MUG-BLUE", "quantity": 1_000}]
    assert api.checkout(builders.a_purchase(lines=too_many)).status_code == 409
    return api


def test_every_rule_has_a_way_to_break_it():
    assert {rule.name for rule in every_rule()} == set(BREAKS)


def test_every_rule_holds_in_a_shop_that_works(busy_shop):
    assert Order.objects.get().state == "fulfilling"
    assert broken() == set()


@pytest.mark.parametrize(
    "fault", ["timeout_before", "timeout_after", "500_before", "500_after", "lost_reply"]
)
def test_every_rule_holds_at_each_step_of_an_unknown_outcome(api, fault):
    api.checkout(builders.a_purchase(payment_method=builders.faulty(fault)))
    assert broken() == set()

    world.later()
    recover_checkouts(limit=5)
    assert broken() == set()

    world.drive_everything(3)
    assert broken() == set()


def test_every_rule_holds_while_a_dead_runners_lease_lasts(api, monkeypatch):
    world.die_after(monkeypatch, "authorize")
    with pytest.raises(world.ProcessDied):
        api.checkout()

    assert broken() == set()


@pytest.mark.parametrize("name", sorted(BREAKS))
def test_each_rule_sees_what_it_forbids(busy_shop, name):
    with unguarded(name):
        break_rule(name)
        assert name in broken()


def test_rows_that_are_merely_at_work_have_their_grace(busy_shop):
    break_rule("events_are_told")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE events_outboxevent SET created_at = %s", [clock.now()])
    assert "events_are_told" not in broken()

    clock.move(dt.timedelta(seconds=601))
    assert "events_are_told" in broken()


def test_the_rest_of_a_hold_taken_in_part_does_not_outlive_its_deadline_either(busy_shop):
    dead = clock.now() - dt.timedelta(hours=2)
    with lifted(), connection.cursor() as cursor:
        cursor.execute("UPDATE payments_payment SET state = 'partially_captured'")
        assert "holds_do_not_outlive_their_deadline" not in broken()
        cursor.execute("UPDATE payments_payment SET capture_before = %s", [dead])

    assert "holds_do_not_outlive_their_deadline" in broken()


@pytest.mark.parametrize(
    ("state", "kind", "is_broken"),
    [
        ("open", "order_unpaid", False),
        ("closed", "order_unpaid", False),  # a person has seen it
        ("resolved", "order_unpaid", True),
        ("open", "mail_given_up", True),  # about something else
    ],
)
def test_an_order_that_waits_for_money_is_seen_by_a_person(busy_shop, state, kind, is_broken):
    break_rule("unpaid_orders_are_cases")
    about = Subject("order", Order.objects.get().pk)
    with transaction.atomic():
        cases.open_once(kind, about=about, title="An order")
    if state != "open":
        Case.objects.update(state=state, ended_at=clock.now(), ended_by="x", ended_reason="x")

    assert ("unpaid_orders_are_cases" in broken()) == is_broken


def test_an_order_that_waits_for_money_since_a_moment_has_its_grace(busy_shop):
    break_rule("unpaid_orders_are_cases")
    order = Order.objects.get()
    Transition.objects.create(
        aggregate="order", aggregate_id=order.pk, from_state="placed",
        to_state="payment_required", actor="system:x", reason="", at=clock.now(),
    )  # fmt: skip
    assert "unpaid_orders_are_cases" not in broken()

    clock.move(dt.timedelta(seconds=3601))
    assert "unpaid_orders_are_cases" in broken()


@pytest.mark.parametrize(
    ("days", "actor", "about", "is_broken"),
    [
        (-2, "staff:ana", "the same", False),  # a release in doubt for days, then settled
        (-300, "staff:ana", "the same", False),
        (0, "staff:ana", "another", False),  # canceling an order moves its payment as well
        (-2, "staff:ana", "another", True),
        (-2, "staff:ben", "the same", True),
        (0, "staff:ben", "the same", True),
        (1, "staff:ana", "the same", True),  # said afterwards
        (1, "staff:ana", "another", True),
    ],
)
def test_a_move_by_staff_is_on_record_however_long_it_was_in_doubt(
    busy_shop, days, actor, about, is_broken
):
    payment = Order.objects.get().payment
    Transition.objects.create(
        aggregate="payment", aggregate_id=payment.pk, from_state="voiding", to_state="voided",
        actor="staff:ana", reason="", at=clock.now(),
    )  # fmt: skip
    assert "staff_moves_are_on_record" in broken()

    AuditEntry.objects.create(
        actor=actor, action="payment.void", aggregate="payment", reason="asked for",
        aggregate_id=payment.pk if about == "the same" else new_id(),
        at=clock.now() + dt.timedelta(days=days),
    )  # fmt: skip

    assert ("staff_moves_are_on_record" in broken()) == is_broken


def test_a_window_leaves_older_rows_alone(busy_shop):
    (rule,) = [rule for rule in every_rule() if rule.name == "payment_state_fits_its_amounts"]
    break_rule(rule.name)

    assert rule.violations(limit=1, since=clock.now() - dt.timedelta(days=1)).count == 1
    assert rule.violations(limit=1, since=clock.now() + dt.timedelta(days=1)).count == 0


def test_the_count_is_of_all_offenders_and_the_rows_are_the_first(api):
    for _ in range(3):
        world.an_order(api)
    (rule,) = [rule for rule in every_rule() if rule.name == "every_payment_has_a_checkout"]
    break_rule(rule.name)

    findings = rule.violations(limit=2)

    assert (findings.count, len(findings.rows)) == (3, 2)
    assert findings.rows[0].about == "payment"


def test_a_rule_can_not_write(db):
    class Writes(Invariant):
        name, rule, about = "writes", "Never.", "payment"
        sql = "SELECT nextval('foundation_periodicrun_id_seq'), ''"

    with pytest.raises(DatabaseError, match="in a read-only transaction"):
        Writes().violations(limit=1)


def test_two_rules_of_one_name_are_refused():
    class Twin(Invariant):
        name, rule, about, sql = "stock_is_not_oversold", "", "", ""

    with pytest.raises(ValueError, match="two invariants"):
        invariants.register(Twin)

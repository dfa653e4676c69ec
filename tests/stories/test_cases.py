"""What does not heal by itself reaches a person's desk, once, and leaves it when it is over."""

import datetime as dt
from contextlib import suppress

import pytest
from django.db import transaction

from foundation import cases
from foundation.cases import CaseNotOpen, NoSuchVerb, Subject
from foundation.ids import new_id
from foundation.models import AuditEntry, Case, IdempotencyKey, Transition
from foundation.money import Money
from orders import fulfillment
from orders.checkout import steps
from orders.checkout.recovery import recover_checkouts
from orders.models import Checkout, Order, StockItem
from payments.models import Payment
from payments.processors.base import OutcomeUnknown
from payments.processors.stripe import StripeProcessor
from tests import builders
from tests.invariants.test_rules import broken
from tests.stories import world

PAST_THE_WINDOW = 16 * 60
DAY = 86_401


def a_case(**changes):
    """Open a case about nothing in particular."""
    facts = {"about": Subject("order", new_id()), "title": "An order is stuck"} | changes
    with transaction.atomic():
        cases.open_once("order_parked", **facts)
    return facts["about"]


def the_case(kind):
    return Case.objects.get(kind=kind)


def act(case, verb):
    return cases.act(case.pk, verb=verb, by="staff:ana", reason="looked into it")


# --- what a case is -------------------------------------------------------------------------


def test_trouble_met_again_refreshes_its_case_and_opens_no_second(db):
    about = a_case(detail="once", stake=Money(100, "USD"))
    a_case(about=about, detail="twice", stake=Money(150, "USD"))

    case = Case.objects.get()
    assert (case.tries, case.detail, case.amount) == (2, "twice", 150)
    assert (case.owner, case.state) == ("role:operations", "open")
    assert case.due_at - case.opened_at == dt.timedelta(days=1)


def test_a_case_that_rolls_back_with_its_transaction_was_never_opened(transactional_db):
    with transaction.atomic():
        cases.open_once("order_parked", about=Subject("order", new_id()), title="x")
        transaction.set_rollback(True)

    assert not Case.objects.exists()


def test_what_a_person_closed_stays_closed_until_something_else_is_at_stake(transactional_db):
    about = a_case(stake=Money(100, "USD"))
    cases.close(Case.objects.get().pk, by="staff:ana", reason="the bank returns it")
    a_case(about=about, stake=Money(100, "USD"))
    assert Case.objects.count() == 1

    a_case(about=about, stake=Money(900, "USD"))
    assert Case.objects.get(state="open").amount == 900


def test_what_healed_and_breaks_again_is_a_new_case(db):
    about = a_case()
    assert cases.resolve("order_parked", about.id, by="system:test")
    a_case(about=about)

    assert sorted(Case.objects.values_list("state", flat=True)) == ["open", "resolved"]


def test_closing_is_on_record_with_who_and_why(transactional_db):
    a_case()
    case = Case.objects.get()
    cases.close(case.pk, by="staff:ana", reason="written off")

    case.refresh_from_db()
    assert (case.state, case.ended_by, case.ended_reason) == ("closed", "staff:ana", "written off")
    assert Transition.objects.get(aggregate_id=case.pk).to_state == "closed"
    assert AuditEntry.objects.get(aggregate_id=case.pk).action == "case.close"
    with pytest.raises(CaseNotOpen):
        cases.close(case.pk, by="staff:ben", reason="me too")
    assert AuditEntry.objects.filter(aggregate_id=case.pk).count() == 1


def test_a_verb_that_its_kind_does_not_have_is_refused_and_not_on_record(transactional_db):
    a_case()
    with pytest.raises(NoSuchVerb):
        act(Case.objects.get(), "retry")
    assert not AuditEntry.objects.exists()


def test_a_kind_that_is_not_in_the_table_is_refused(db):
    with pytest.raises(LookupError), transaction.atomic():
        cases.open_once("nonsense", about=Subject("order", new_id()), title="x")


def test_a_case_outside_a_transaction_is_refused(transactional_db):
    with pytest.raises(RuntimeError):
        cases.open_once("order_parked", about=Subject("order", new_id()), title="x")


# --- a checkout that can not be undone ------------------------------------------------------


@pytest.fixture
def charged_without_an_order(api):
    """The money was taken behind our back, after the answer was lost, and the window is over."""
    api.checkout(builders.a_purchase(payment_method=builders.faulty("timeout_after")))
    world.capture_behind_our_back(Payment.objects.get())
    world.later(PAST_THE_WINDOW)
    world.drive_everything(3)
    return Checkout.objects.get()


def test_money_taken_without_an_order_is_a_case_with_the_amount(charged_without_an_order):
    case = the_case("checkout_not_undone")

    assert charged_without_an_order.state == "needs_attention"
    assert (case.aggregate_id, case.amount, case.currency) == (
        charged_without_an_order.pk,
        4298,
        "USD",
    )
    assert broken() == set()


def test_such_a_case_ends_when_the_money_is_given_back_and_a_person_retries(
    charged_without_an_order,
):
    Payment.objects.update(state="refunded")

    told = act(the_case("checkout_not_undone"), "retry")

    assert told == "The checkout is compensated now."
    assert the_case("checkout_not_undone").state == "resolved"


def test_retrying_what_is_not_over_leaves_the_case_open(charged_without_an_order):
    told = act(the_case("checkout_not_undone"), "retry")

    assert told == "The checkout is needs attention now."
    assert the_case("checkout_not_undone").state == "open"


def test_a_release_nobody_confirms_is_a_case_that_ends_by_itself(api, shop, monkeypatch):
    def silent(self, **asked):
        raise OutcomeUnknown("read timeout")

    api.checkout(builders.a_purchase(payment_method=builders.faulty("timeout_after")))
    with monkeypatch.context() as patched:
        patched.setattr(StripeProcessor, "find", silent)
        for _ in range(14):
            world.later(DAY)
            recover_checkouts(limit=5)
    assert the_case("checkout_not_undone").state == "open"

    world.drive_everything(4, seconds=DAY)

    assert Checkout.objects.get().state == "compensated"
    assert the_case("checkout_not_undone").state == "resolved"
    assert shop.holds(Payment.objects.get().reference) == []


# --- poison: what kills or fails whoever works on it -----------------------------------------


@pytest.fixture
def a_killer(api, monkeypatch):
    """A checkout whose every runner dies before it asks the processor anything."""

    def fatal(checkout):
        raise world.ProcessDied

    with monkeypatch.context() as patched:
        patched.setattr(steps.authorize, "next_call", fatal)
        patched.setattr(steps.authorize, "look_up", fatal)
        world.die_after(patched, "authorize")
        yield builders.a_checkout_at()


def die_of_it(times):
    for _ in range(times):
        world.later(DAY)
        try:
            recover_checkouts(limit=5)
        except world.ProcessDied:
            continue


def test_a_checkout_that_kills_its_runners_is_parked_with_a_case(a_killer, settings):
    die_of_it(settings.CRASHES_MAX)
    assert not Case.objects.exists()
    assert IdempotencyKey.objects.get().crashes == settings.CRASHES_MAX

    world.later()
    assert recover_checkouts(limit=5) == 0

    case = the_case("checkout_crashing")
    assert (case.aggregate_id, case.amount) == (a_killer.pk, 4298)
    assert recover_checkouts(limit=5) == 0


def test_a_killer_keeps_no_other_checkout_waiting(a_killer, api, shop, monkeypatch):
    die_of_it(2)
    another = builders.a_checkout_at(payment_state="declined", direction="backward", refusal={
        "code": "payment_declined", "detail": "no", "errors": [], "extra": {},
    })  # fmt: skip
    die_of_it(2)

    another.refresh_from_db()
    assert another.state == "failed"


def test_resuming_a_parked_checkout_finishes_it_once_its_cause_is_gone(
    api, shop, settings, monkeypatch
):
    checkout = builders.a_checkout_at()
    IdempotencyKey.objects.update(crashes=settings.CRASHES_MAX)
    recover_checkouts(limit=5)

    act(the_case("checkout_crashing"), "resume")

    checkout.refresh_from_db()
    assert checkout.state == "completed"
    assert the_case("checkout_crashing").state == "resolved"
    assert len(shop.effects(checkout.payment.reference, "authorization")) == 1


def test_compensating_a_parked_checkout_leaves_nothing_held(api, shop, settings):
    checkout = builders.a_checkout_at()
    IdempotencyKey.objects.update(crashes=settings.CRASHES_MAX)
    recover_checkouts(limit=5)

    act(the_case("checkout_crashing"), "compensate")

    checkout.refresh_from_db()
    assert checkout.state in ("compensated", "expired", "failed")
    assert StockItem.objects.get().reserved == 0
    assert the_case("checkout_crashing").state == "resolved"


def test_a_pause_between_two_deaths_begins_the_count_anew(api):
    builders.a_checkout_at()
    IdempotencyKey.objects.update(crashes=3, is_paused=True)
    recover_checkouts(limit=5)

    assert IdempotencyKey.objects.get().crashes == 0


def test_an_order_whose_step_keeps_failing_is_parked_and_resumed_by_a_person(
    api, settings, monkeypatch
):

    def broken_step(order_id):
        raise RuntimeError("a bug")

    order = world.an_order(api)
    world.lose_events()
    with monkeypatch.context() as patched:
        patched.setattr(fulfillment, "fulfill", broken_step)
        for _ in range(settings.STALLS_MAX + 2):
            world.later(DAY)
            world.sweep()
            with suppress(RuntimeError):
                world.play_events()
    order.refresh_from_db()
    assert (order.next_step_at, order.stalls) == (None, settings.STALLS_MAX)
    assert the_case("order_parked").amount == order.total_amount
    assert broken() == set()

    act(the_case("order_parked"), "resume")
    assert the_case("order_parked").state == "resolved"
    world.drive_everything(2)
    assert Order.objects.get().state == "fulfilling"

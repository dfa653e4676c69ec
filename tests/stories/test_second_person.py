"""What takes two: cases, reviews and new holds too, and many small sums that are a large one."""

import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from foundation import approvals, cases
from foundation.cases import Subject
from foundation.ids import new_id
from foundation.models import Approval, AuditEntry, Case, IdempotencyKey
from foundation.money import Money
from orders import alone, bulk, completion
from orders.checkout.recovery import recover_checkouts
from orders.models import BulkRow, Checkout, Order
from payments.models import Payment, Refund, Source
from payments.services import refund as refunds
from tests import builders
from tests.races.crowd import at_once
from tests.stories import world
from tests.stories.orders.test_completion import one_mug_of
from tests.stories.orders.test_expiry import now
from tests.stories.test_four_eyes import LIMIT, given_back, say, wish
from tests.stories.test_staff import in_review, releases, somebody

EVERYTHING = (
    "cancel_order", "reauthorize_order", "capture_payment", "refund_payment", "void_payment",
    "review_checkout", "handle_case", "decide_approval",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _small_limit(settings):
    settings.STAFF_ALONE_MAX = LIMIT  # 10 in major units; an order of these tests is 42.98 USD


@pytest.fixture
def ana(shop):
    """Asks."""
    return somebody("ana", *EVERYTHING)


@pytest.fixture
def ben(shop):
    """Another person, with the same permissions."""
    return somebody("ben", *EVERYTHING)


@pytest.fixture
def paid(api):
    """An order whose money was taken."""
    order = world.an_order(api)
    world.play_events()
    return order


@pytest.fixture
def held(api, settings):
    """An order whose money is held."""
    settings.SETTLEMENT_POLICY = "manual"
    order = world.an_order(api)
    world.play_events()
    return order


def case_form(person, case, verb):
    return person.client.get(reverse("admin:foundation_case_act", args=[case.pk, verb]))


def handle(person, case, verb, reason="called the bank"):
    """Do something about a case by its form; the page it leads to."""
    form = case_form(person, case, verb).content.decode()
    token = re.search(r'name="token" value="([^"]+)"', form)[1]
    address = reverse("admin:foundation_case_act", args=[case.pk, verb])
    reply = person.client.post(address, {"token": token, "reason": reason}, follow=True)
    return reply.content.decode()


# --- many small ones ----------------------------------------------------------------------------


def test_small_refunds_add_up_to_what_takes_two(ana, ben, shop, paid):
    wish(ana, "refund", paid, amount="6.00")
    assert "can give back 4.00 USD more of it" in ana.page("orders_order_refund", paid.pk)
    wish(ana, "refund", paid, amount="4.00")

    _, page = wish(ben, "refund", paid, amount="0.01")

    assert "Nothing was moved yet" in page
    assert given_back(shop, paid) == [600, 400]
    asked = Approval.objects.get()
    assert asked.amount == 1
    say(somebody("cyd", *EVERYTHING), "approve", asked)
    assert given_back(shop, paid) == [600, 400, 1]


def test_what_was_approved_counts_for_nobody_and_what_failed_came_back(ana, ben, shop, paid):
    wish(ana, "refund", paid, amount="20.00")
    say(ben, "approve", Approval.objects.get())
    assert given_back(shop, paid) == [2000]
    assert alone.given_up(paid.payment) == Money(0, "USD")

    wish(ana, "refund", paid, amount="10.00")
    assert alone.given_up(paid.payment) == Money(1000, "USD")
    Refund.objects.filter(amount=1000).update(state="failed")

    assert alone.given_up(paid.payment) == Money(0, "USD")


def test_what_a_client_gave_back_counts_for_no_person(api, ana, shop, paid):
    path = f"/v1/payments/{paid.payment.reference}/refunds"
    given = {"amount": {"amount": 900, "currency": "USD"}}
    assert api.post(path, given, key=builders.a_key()).status_code == 201

    wish(ana, "refund", paid, amount="10.00")

    assert given_back(shop, paid) == [900, 1000]


def refunds_at_once(order, *, guard):
    """Two of 6.00, of which each alone is small."""

    def give():
        try:
            refunds.refund(
                order.payment_id, by="staff:ana", reason="x", source=Source.STAFF, amount=600,
                guard=guard,
            )  # fmt: skip
        except alone.SecondPersonNeeded:
            return "refused"
        return "done"

    return sorted(at_once([give, give]))


def test_two_small_refunds_at_once_do_not_both_slip_under(shop, paid):
    assert refunds_at_once(paid, guard=alone.refuse_if_large) == ["done", "refused"]
    assert given_back(shop, paid) == [600]


def test_without_the_look_under_the_lock_both_would(shop, paid):
    """The control: the test above tells the difference."""
    before = alone.with_earlier(paid.payment, Money(600, "USD")).amount

    def look_first(_payment, _amount):
        assert before <= 1000

    assert refunds_at_once(paid, guard=look_first) == ["done", "done"]
    assert given_back(shop, paid) == [600, 600]


def test_a_refund_and_the_end_of_an_order_add_up(api, settings, ana, shop):
    order = one_mug_of(api, settings)
    settings.STAFF_ALONE_MAX = {"*": 20}
    wish(ana, "refund", order, amount="5.00")

    _, page = wish(ana, "complete", now(order))

    assert "19.99 USD, 24.99 USD with what was given up before, takes two" in ana.page(
        "orders_order_complete", order.pk
    )
    assert "Nothing was moved yet" in page
    with pytest.raises(alone.SecondPersonNeeded):
        completion.complete_with_what_shipped(
            order.pk, by="staff:ana", reason="x", guard=alone.refuse_if_large
        )
    assert now(order).state == "fulfilling"


def test_a_release_in_a_run_of_many_counts_what_was_given_back_before(api, settings, ana, shop):
    order = one_mug_of(api, settings)
    settings.STAFF_ALONE_MAX = {"*": 20}
    wish(ana, "refund", order, amount="5.00")

    bulk.begin([order.payment_id], by="staff:ana", reason="recalled")
    world.play_events()

    row = BulkRow.objects.get()
    assert row.state == "refused"
    assert "24.99 USD were given up of it" in row.result
    assert releases(shop, order.payment) == []


# --- limits, and who is no second person --------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "amount", "is_two"),
    [
        (0, 0, False),
        (0, 1, True),
        (-1, 0, True),
        (-1, 1, True),
        (10, 1000, False),
        (10, 1001, True),
    ],
)
def test_a_limit_of_nothing_and_none_at_all(settings, limit, amount, is_two):
    settings.STAFF_ALONE_MAX = {"*": limit}

    assert approvals.takes_two(Money(amount, "USD")) is is_two


def test_an_approver_who_was_let_go_meanwhile_decides_nothing(ana, ben, held):
    wish(ana, "void", held)
    ben.user.is_active = False
    ben.user.save()

    assert say(ben, "approve", Approval.objects.get())[0] == 302
    with pytest.raises(approvals.NotYours):
        approvals.approve(Approval.objects.get().pk, user=ben.user, by="staff:ben", reason="x")
    assert Approval.objects.get().state == "pending"


def test_a_word_from_another_site_is_none(ana, ben, shop, held):
    wish(ana, "void", held)
    asked, case = Approval.objects.get(), a_case()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ben.user)

    for route, row, verb in (
        ("foundation_approval_act", asked, "approve"), ("foundation_case_act", case, "close"),
    ):  # fmt: skip
        address = reverse(f"admin:{route}", args=[row.pk, verb])
        form = ben.client.get(address).content.decode()
        token = re.search(r'name="token" value="([^"]+)"', form)[1]
        assert browser.post(address, {"token": token, "reason": "x"}).status_code == 403
    asked.refresh_from_db()
    assert (asked.state, Case.objects.get().state) == ("pending", "open")


# --- a new hold ---------------------------------------------------------------------------------


def test_a_new_hold_of_much_takes_two(ana, ben, shop, held):
    _, page = wish(ana, "reauthorize", held)
    assert "Nothing was moved yet" in page
    assert Payment.objects.count() == 1

    say(ben, "approve", Approval.objects.get())

    assert Approval.objects.get().state == "done"
    assert Payment.objects.get(replaces=held.payment).state == "authorized"


# --- reviews ------------------------------------------------------------------------------------


@pytest.fixture
def a_review(api):
    """A checkout that waits for a person."""
    assert api.checkout(in_review()).status_code == 202
    return Checkout.objects.select_related("payment").get()


@pytest.mark.parametrize(
    ("verb", "state", "orders"), [("approve", "completed", 1), ("reject", "compensated", 0)]
)
def test_a_decision_about_much_takes_two(ana, ben, shop, a_review, verb, state, orders):
    assert "42.98 USD takes two" in ana.page(f"orders_checkout_{verb}", a_review.pk)
    _, page = ana.decide(verb, a_review)
    assert "Nothing was moved yet" in page
    a_review.refresh_from_db()
    assert (a_review.state, a_review.review_decision) == ("in_review", "")
    assert say(ana, "approve", Approval.objects.get())[0] == 403

    say(ben, "approve", Approval.objects.get())

    a_review.refresh_from_db()
    assert (a_review.state, Order.objects.count()) == (state, orders)
    assert Approval.objects.get().state == "done"
    entry = AuditEntry.objects.get(action=f"checkout.{verb}")
    assert (entry.actor, entry.reason) == (
        "staff:ana", "called the customer (approved by staff:ben)",
    )  # fmt: skip


def test_a_decision_approved_after_the_other_one_is_refused(ana, ben, shop, a_review):
    for verb in ("approve", "reject"):
        ana.decide(verb, a_review)
    approve, reject = Approval.objects.order_by("pk")
    say(ben, "approve", reject)

    say(ben, "approve", approve)

    approve.refresh_from_db()
    assert approve.state == "refused"
    assert not Order.objects.exists()


def test_a_decision_approved_after_the_end_of_the_time_is_refused(ana, ben, a_review, settings):
    ana.decide("approve", a_review)
    world.later(settings.REVIEW_SECONDS + 1)

    say(ben, "approve", Approval.objects.get())

    assert Approval.objects.get().state in ("refused", "expired")
    assert not Order.objects.exists()


def test_who_may_not_review_may_not_approve_it_either(ana, a_review):
    ana.decide("approve", a_review)

    assert say(somebody("cyd", "decide_approval"), "approve", Approval.objects.get())[0] == 403


# --- cases --------------------------------------------------------------------------------------


@pytest.fixture
def a_parked_checkout(shop, settings):
    """A checkout whose runners died again and again, its case on the desk."""
    checkout = builders.a_checkout_at()
    IdempotencyKey.objects.update(crashes=settings.CRASHES_MAX)
    recover_checkouts(limit=5)
    return checkout


@pytest.mark.parametrize(("verb", "orders"), [("resume", 1), ("compensate", 0)])
def test_what_a_case_does_with_much_money_takes_two(ana, ben, a_parked_checkout, verb, orders):
    case = Case.objects.get()
    assert "42.98 USD takes two" in case_form(ana, case, verb).content.decode()

    assert "Nothing was moved yet" in handle(ana, case, verb)
    assert Checkout.objects.get().state == "authorizing"
    assert say(ana, "approve", Approval.objects.get())[0] == 403
    say(ben, "approve", Approval.objects.get())

    assert Approval.objects.get().state == "done"
    assert (Case.objects.get().state, Order.objects.count()) == ("resolved", orders)
    entry = AuditEntry.objects.get(action=f"case.{verb}")
    assert (entry.actor, entry.reason) == ("staff:ana", "called the bank (approved by staff:ben)")


def a_case(kind="order_parked", **facts):
    with transaction.atomic():
        cases.open_once(kind, about=Subject("order", new_id()), title="Trouble", **facts)
    return Case.objects.get()


def test_giving_up_much_money_takes_two(ana, ben, shop):
    case = a_case(stake=Money(1001, "USD"))

    assert "Nothing was moved yet" in handle(ana, case, "close", "the shopper is gone")
    assert Case.objects.get().state == "open"
    say(ben, "approve", Approval.objects.get())

    case.refresh_from_db()
    assert (case.state, case.ended_by) == ("closed", "staff:ana")
    assert case.ended_reason == "the shopper is gone (approved by staff:ben)"


@pytest.mark.parametrize("stake", [None, Money(1000, "USD"), Money(10, "JPY"), Money(9999, "KWD")])
def test_giving_up_little_or_nothing_takes_one(ana, shop, stake):
    assert "Closed." in handle(ana, a_case(stake=stake), "close")
    assert not Approval.objects.exists()


@pytest.mark.parametrize("stake", [Money(11, "JPY"), Money(10_001, "KWD")])
def test_the_limit_is_in_the_currencys_own_units(ana, shop, stake):
    handle(ana, a_case(stake=stake), "close")

    assert Approval.objects.get().amount == stake.amount


def test_a_case_of_which_more_is_at_stake_by_now_is_asked_anew(ana, ben, shop):
    case = a_case(stake=Money(1001, "USD"))
    handle(ana, case, "close")
    Case.objects.update(amount=90_000)

    _, page = say(ben, "approve", Approval.objects.get())

    assert "must be asked anew" in page
    assert Case.objects.get().state == "open"


def test_taking_a_case_and_its_harmless_verbs_take_one(ana, shop):
    case = a_case(stake=Money(10**6, "USD"))

    assert "It is yours." in handle(ana, case, "take")
    handle(ana, case, "resume")
    assert AuditEntry.objects.filter(action="case.resume").exists()
    assert not Approval.objects.exists()


@pytest.mark.parametrize(
    ("kind", "verb", "permission"),
    [
        ("capture_refused", "retry", "capture_payment"),
        ("order_unpaid", "retry", "reauthorize_order"),
        ("order_unpaid", "complete", "cancel_order"),
    ],
)
def test_what_takes_a_permission_on_the_order_takes_it_by_the_case_too(
    shop, kind, verb, permission
):
    case = a_case(kind)
    address = reverse("admin:foundation_case_act", args=[case.pk, verb])
    desk, may = somebody("desk", "handle_case"), somebody("may", "handle_case", permission)
    other = somebody("other", permission)

    for hand, status in ((desk, 403), (may, 200), (other, 403)):
        assert case_form(hand, case, verb).status_code == status
        assert (address in hand.page("foundation_case_change", case.pk)) == (status == 200)
    assert desk.client.post(address, {"reason": "x"}).status_code == 403
    assert Case.objects.get().state == "open"


def test_a_verb_of_a_case_sent_twice_is_done_once(ana, shop):
    case = a_case()
    address = reverse("admin:foundation_case_act", args=[case.pk, "resume"])
    form = case_form(ana, case, "resume").content.decode()
    given = {"token": re.search(r'name="token" value="([^"]+)"', form)[1], "reason": "again"}
    for _ in range(2):
        ana.client.post(address, given)

    assert AuditEntry.objects.filter(action="case.resume").count() == 1


# --- a checkout that is stuck -------------------------------------------------------------------


@pytest.fixture
def stuck(api, shop):
    """A checkout whose answer was lost, and whose lease died long ago."""
    shop.fault("create", "timeout_after")
    assert api.checkout().status_code == 202
    world.later(3600)
    return Checkout.objects.exclude(state="completed").get()


def take_up(person, row):
    token = person.form("orders_checkout_resume", row)
    return person.send("orders_checkout_resume", row, token=token, reason="looked at it")[1]


def test_taking_up_a_checkout_of_much_takes_two(ana, ben, stuck):
    assert "Nothing was moved yet" in take_up(ana, stuck)
    stuck.refresh_from_db()
    assert stuck.ended_at is None

    say(ben, "approve", Approval.objects.get())

    stuck.refresh_from_db()
    assert stuck.ended_at is not None
    assert Approval.objects.get().state == "done"


def test_a_checkout_that_the_sweep_took_meanwhile_is_left_to_it(ana, ben, stuck):
    take_up(ana, stuck)
    world.drive_everything()

    say(ben, "approve", Approval.objects.get())

    assert Approval.objects.get().state == "refused"
    assert not AuditEntry.objects.filter(action="checkout.resume").exists()

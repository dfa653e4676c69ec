"""Above an amount, what one person asks for is done by another's word: guarded, once, on record."""

import datetime as dt
import re

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.urls import reverse

from foundation import approvals, clock
from foundation.models import Approval, AuditEntry, Transition
from orders.models import Order
from payments.models import Payment, Refund
from payments.services.capture import capture
from tests.races.crowd import at_once
from tests.stories.test_staff import Staff, somebody

EVERYTHING = (
    "cancel_order", "ship_order", "capture_payment", "refund_payment", "void_payment",
    "decide_approval",
)  # fmt: skip
LIMIT = {"*": 10}  # in major units; an order of these tests is 42.98 USD


@pytest.fixture(autouse=True)
def _small_limit(settings):
    settings.STAFF_ALONE_MAX = LIMIT


@pytest.fixture
def ana(shop):
    """Asks."""
    return somebody("ana", *EVERYTHING)


@pytest.fixture
def ben(shop):
    """Another person, with the same permissions."""
    return somebody("ben", *EVERYTHING)


def wish(person, deed, order, **fields):
    """Fill in the form of one deed; the page it leads to."""
    route, row = f"orders_order_{deed}", order
    if deed == "void":
        route, row = "payments_payment_void", order.payment
    given = {"reason": "customer called", **fields}
    return person.send(route, row, token=person.form(route, row), **given)


def say(person, verb, approval, reason="looked at it"):
    """Approve, reject or withdraw, by the form."""
    address = reverse("admin:foundation_approval_act", args=[approval.pk, verb])
    form = person.client.get(address)
    if form.status_code != 200:
        return form.status_code, ""
    token = re.search(r'name="token" value="([^"]+)"', form.content.decode())[1]
    reply = person.client.post(address, {"token": token, "reason": reason})
    return reply.status_code, person.client.get(reply["Location"]).content.decode()


def refund_asked(person, order, amount="20.00"):
    status, page = wish(person, "refund", order, amount=amount)
    assert (status, "Nothing was moved yet" in page) == (302, True), page
    return Approval.objects.get(state="pending")


def given_back(shop, order):
    return [effect["amount"] for effect in shop.effects(order.payment.reference, "refund")]


@pytest.mark.parametrize("deed", ["void", "cancel", "capture"])
def test_a_large_sum_is_asked_for_and_nothing_moves(ana, shop, held, deed):
    route = "payments_payment_void" if deed == "void" else f"orders_order_{deed}"
    row = held.payment if deed == "void" else held
    assert "42.98 USD takes two" in ana.page(route, row.pk)

    _, page = wish(ana, deed, held)

    asked = Approval.objects.get()
    assert asked.reference in page
    assert (asked.amount, asked.currency, asked.asked_by) == (4298, "USD", "staff:ana")
    assert (Payment.objects.get().state, Order.objects.get().state) == ("authorized", "fulfilling")
    assert len(shop.holds(held.payment.reference)) == 1
    assert AuditEntry.objects.get().action == "approval.ask"


@pytest.mark.parametrize(
    ("deed", "state"), [("void", "voided"), ("cancel", "voided"), ("capture", "captured")]
)
def test_the_word_of_another_person_has_it_done(ana, ben, held, deed, state):
    wish(ana, deed, held)

    status, page = say(ben, "approve", Approval.objects.get())

    assert (status, "It is done." in page) == (302, True)
    assert Payment.objects.get().state == state
    done = Approval.objects.get()
    assert (done.state, done.decided_by, done.decided_reason) == (
        "done", "staff:ben", "looked at it",
    )  # fmt: skip
    moves = Transition.objects.filter(aggregate="approval").order_by("pk")
    assert [(move.to_state, move.actor) for move in moves] == [
        ("approved", "staff:ben"), ("done", "staff:ben"),
    ]  # fmt: skip


def test_the_record_of_the_move_names_both(ana, ben, held):
    wish(ana, "void", held, reason="fraud")
    say(ben, "approve", Approval.objects.get())

    entry = AuditEntry.objects.get(action="payment.void")
    assert (entry.actor, entry.reason) == ("staff:ana", "fraud (approved by staff:ben)")


def test_a_refund_up_to_the_limit_is_done_alone_and_one_above_it_is_not(ana, ben, shop, paid):
    _, page = wish(ana, "refund", paid, amount="10.00")
    assert "The refund of 10.00 USD is succeeded" in page
    asked = refund_asked(ana, paid, "10.01")
    assert given_back(shop, paid) == [1000]

    say(ben, "approve", asked)

    assert given_back(shop, paid) == [1000, 1001]


def test_nobody_approves_their_own(ana, shop, held):
    wish(ana, "void", held)
    asked = Approval.objects.get()

    assert "/act/approve/" not in ana.page("foundation_approval_change", asked.pk)
    assert say(ana, "approve", asked)[0] == 403
    root = User.objects.get(username="ana")
    with pytest.raises(approvals.NotYours):
        approvals.approve(asked.pk, user=root, by="staff:ana", reason="me too")
    assert Payment.objects.get().state == "authorized"


def test_the_database_refuses_a_decision_by_who_asked(ana, held):
    wish(ana, "void", held)
    values = {"decided_by": "staff:ana", "decided_reason": "x", "decided_at": clock.now()}

    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.update(**values)


def test_a_superuser_needs_a_second_person_too(shop, held):
    root = Staff(User.objects.create_superuser("root", password="x"))

    wish(root, "void", held)

    assert say(root, "approve", Approval.objects.get())[0] == 403
    assert Payment.objects.get().state == "authorized"


@pytest.mark.parametrize("permissions", [("void_payment",), ("decide_approval",), ()])
def test_who_may_not_decide_or_could_not_do_it_is_refused(ana, held, permissions):
    wish(ana, "void", held)
    cyd = somebody("cyd", *permissions)

    for verb in ("approve", "reject"):
        assert say(cyd, verb, Approval.objects.get())[0] == 403
    assert Approval.objects.get().state == "pending"


def test_a_rejection_moves_nothing_and_may_be_asked_anew(ana, ben, held):
    wish(ana, "void", held)

    say(ben, "reject", Approval.objects.get(), "the customer still wants it")

    assert Approval.objects.get().state == "rejected"
    assert Payment.objects.get().state == "authorized"
    wish(ana, "void", held)
    assert Approval.objects.filter(state="pending").count() == 1


def test_who_asked_may_withdraw_and_nobody_else(ana, ben, held):
    wish(ana, "void", held)
    asked = Approval.objects.get()
    assert say(ben, "withdraw", asked)[0] == 403

    say(ana, "withdraw", asked)

    assert say(ben, "approve", asked) == (302, "") or Approval.objects.get().state == "withdrawn"
    assert Payment.objects.get().state == "authorized"


def test_the_same_is_asked_for_once(ana, ben, held):
    wish(ana, "void", held)

    _, page = wish(ben, "void", held)

    assert "Nothing was done." in page
    assert Approval.objects.count() == 1


def test_what_moved_meanwhile_is_not_done(ana, ben, shop, paid):
    asked = refund_asked(ana, paid)
    wish(ana, "refund", paid, amount="5.00")

    _, page = say(ben, "approve", asked)

    assert "The order moved since it was asked for." in page
    assert Approval.objects.get().state == "refused"
    assert given_back(shop, paid) == [500]


def test_what_can_not_be_done_any_more_is_refused_and_says_why(ana, ben, held):
    wish(ana, "void", held)
    capture(held.payment_id, by="system:settlement")

    say(ben, "approve", Approval.objects.get())

    assert Approval.objects.get().state == "refused"
    assert Payment.objects.get().state == "captured"


def test_who_lost_the_permission_meanwhile_asks_in_vain(ana, ben, held):
    wish(ana, "void", held)
    ana.user.user_permissions.clear()

    _, page = say(ben, "approve", Approval.objects.get())

    assert "staff:ana may not do this any more" in page
    assert Payment.objects.get().state == "authorized"


def test_too_late_is_too_late(ana, ben, held, settings):
    wish(ana, "void", held)
    clock.move(dt.timedelta(hours=settings.STAFF_REQUEST_HOURS, seconds=1))

    say(ben, "approve", Approval.objects.get())

    assert Approval.objects.get().state == "expired"
    assert Payment.objects.get().state == "authorized"


def test_what_was_approved_when_the_process_died_is_finished_by_hand(ana, ben, shop, paid):
    asked = refund_asked(ana, paid)
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(approvals, "carry_out", _die)
        with pytest.raises(SystemExit):
            approvals.approve(asked.pk, user=ben.user, by="staff:ben", reason="fine")
    assert (Approval.objects.get().state, given_back(shop, paid)) == ("approved", [])

    say(ben, "finish", asked)

    assert (Approval.objects.get().state, given_back(shop, paid)) == ("done", [2000])


def test_what_was_done_when_the_process_died_is_not_called_refused_nor_done_twice(
    ana, ben, shop, paid
):
    asked = refund_asked(ana, paid)
    real = approvals._settle
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(
            approvals, "_settle", lambda row, *, to, **given: _die() if to == "done"
            else real(row, to=to, **given),
        )  # fmt: skip
        with pytest.raises(SystemExit):
            approvals.approve(asked.pk, user=ben.user, by="staff:ben", reason="fine")
    assert (Approval.objects.get().state, given_back(shop, paid)) == ("approved", [2000])

    say(ben, "finish", asked)

    assert (Approval.objects.get().state, given_back(shop, paid)) == ("done", [2000])
    assert Refund.objects.count() == 1


def _die(*_):
    raise SystemExit


def test_many_payments_at_once_are_never_large_ones(ana, shop, held):
    chosen = {"action": "void_payments", "_selected_action": [str(held.pk)]}

    page = ana.client.post(reverse("admin:orders_order_changelist"), chosen, follow=True)

    assert f"{held.public_number} take two people each" in page.content.decode()
    assert Payment.objects.get().state == "authorized"


def _approve_at_once(asked, *people):
    def approve(person):
        try:
            approvals.approve(asked.pk, user=person.user, by=f"staff:{person.user}", reason="ok")
        except approvals.NotPending:
            return "late"
        return "done"

    return at_once([lambda who=who: approve(who) for who in people])


def test_two_who_approve_at_once_give_the_money_back_once(ana, ben, shop, paid):
    asked = refund_asked(ana, paid)

    told = _approve_at_once(asked, ben, somebody("cyd", *EVERYTHING))

    assert given_back(shop, paid) == [2000]
    assert Refund.objects.count() == 1
    assert AuditEntry.objects.filter(action="approval.approved").count() == 1
    assert "done" in told


def test_without_the_guard_two_decisions_would_stand(ana, ben, shop, paid, monkeypatch):
    """The control: the test above tells the difference."""
    asked = refund_asked(ana, paid)

    def unguarded(row, *, to, **values):
        known = {k: v for k, v in values.items() if k not in ("table", "by", "reason")}
        Approval.objects.filter(pk=row.pk).update(**known | {"state": to})
        row.state = to

    monkeypatch.setattr(approvals, "move", unguarded)
    monkeypatch.setattr(approvals, "carry_out", lambda pk: Approval.objects.get(pk=pk))

    _approve_at_once(asked, ben, somebody("cyd", *EVERYTHING))

    assert AuditEntry.objects.filter(action="approval.approved").count() == 2

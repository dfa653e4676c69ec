"""Staff at their desk: cases in order of urgency, verbs with permission, reason and record."""

import pytest
from django.db import transaction

from foundation import cases, clock
from foundation.cases import Subject
from foundation.ids import new_id
from foundation.models import AuditEntry, Case, IdempotencyKey
from foundation.money import Money
from orders.checkout.recovery import recover_checkouts
from orders.models import Checkout, Order
from tests import builders
from tests.desk import Desk
from tests.stories import world

LIST = "foundation_case_changelist"
PAGE = "foundation_case_change"


class CaseDesk(Desk):
    """The desk, with the case's verbs on it."""

    def form(self, case, verb):
        return self.page("foundation_case_act", case.pk, verb)

    def do(self, case, verb, reason="called the bank", token=None):
        form = self.form(case, verb) if token is None else ""
        given = token or form.partition('name="token" value="')[2].partition('"')[0]
        address = f"/admin/foundation/case/{case.pk}/act/{verb}/"
        reply = self.client.post(address, {"token": given, "reason": reason})
        if reply.status_code != 302:
            return reply.content.decode()
        return self.client.get(reply["Location"]).content.decode()


@pytest.fixture
def ana(shop):
    return CaseDesk("ana", "handle_case")


@pytest.fixture
def viewer(shop):
    return CaseDesk("viewer")


def a_case(title="An order is stuck", kind="order_parked", **facts):
    with transaction.atomic():
        cases.open_once(kind, about=Subject("order", new_id()), title=title, **facts)
    return Case.objects.get(title=title)


@pytest.fixture
def a_parked_checkout(shop, settings):
    """A checkout whose runners died again and again, its case on the desk."""
    checkout = builders.a_checkout_at()
    IdempotencyKey.objects.update(crashes=settings.CRASHES_MAX)
    recover_checkouts(limit=5)
    return checkout


def test_the_list_shows_what_is_at_stake_the_overdue_first(ana):
    a_case("Later", "mail_given_up")
    world.later(3600)
    a_case("Sooner", "checkout_crashing", stake=Money(4298, "USD"))
    ended = a_case("Long over")
    cases.close(ended.pk, by="staff:ben", reason="nothing to do")

    page = ana.page(LIST)

    assert page.index("Sooner") < page.index("Later") < page.index("Long over")
    assert "42.98 USD" in page
    assert "role:payments" not in page.partition("Later")[2]


def test_a_case_past_its_deadline_says_so_and_is_found_by_it(ana):
    a_case("Forgotten", "checkout_crashing")
    world.later(5 * 3600)
    a_case("Fresh")

    page = ana.page(LIST, overdue="yes")

    assert "Forgotten" in page
    assert "overdue" in page
    assert "Fresh" not in page


def test_a_form_says_what_follows_and_shows_the_money(ana, a_parked_checkout):
    form = ana.form(Case.objects.get(), "compensate")

    assert "what is held is released, and no order is placed" in form
    assert "42.98 USD" in form


def test_resuming_from_the_desk_finishes_the_checkout_on_record(ana, a_parked_checkout):
    page = ana.do(Case.objects.get(), "resume", reason="the bug is fixed")

    assert "The checkout is completed now." in page
    assert Order.objects.exists()
    entry = AuditEntry.objects.get(action="case.resume")
    assert (entry.actor, entry.reason) == ("staff:ana", "the bug is fixed")
    assert Case.objects.get().state == "resolved"


def test_a_form_sent_twice_counts_once(ana, a_parked_checkout):
    case = Case.objects.get()
    token = ana.form(case, "resume").partition('name="token" value="')[2].partition('"')[0]
    ana.do(case, "resume", token=token)

    assert "Nothing was done" in ana.do(case, "resume", token=token)
    assert AuditEntry.objects.filter(action="case.resume").count() == 1


def test_nothing_is_done_without_a_reason(ana, a_parked_checkout):
    page = ana.do(Case.objects.get(), "compensate", reason=" ")

    assert "This field is required" in page
    assert Checkout.objects.get().state == "authorizing"


def test_taking_a_case_puts_ones_name_on_it(ana):
    case = a_case()

    assert "It is yours." in ana.do(case, "take", reason="mine this week")

    case.refresh_from_db()
    assert (case.owner, case.state) == ("staff:ana", "open")


def test_closing_keeps_the_reason_on_the_page(ana):
    page = ana.do(a_case(), "close", reason="written off with the customer")

    assert "Closed." in page
    assert "written off with the customer" in page
    assert 'href="/admin/foundation/case/' not in page.partition("buttons")[2][:200]


def test_who_may_only_look_sees_no_verb_and_can_do_nothing(viewer, a_parked_checkout):
    case = Case.objects.get()

    assert "/act/" not in viewer.page(PAGE, case.pk)
    assert viewer.client.get(f"/admin/foundation/case/{case.pk}/act/close/").status_code == 403
    reply = viewer.client.post(f"/admin/foundation/case/{case.pk}/act/close/", {"reason": "x"})
    assert reply.status_code == 403
    assert Case.objects.get().state == "open"


@pytest.mark.parametrize("verb", ["retry", "nonsense", "..%2Fclose"])
def test_a_verb_that_is_not_of_this_kind_does_nothing(ana, verb):
    case = a_case()

    reply = ana.client.post(f"/admin/foundation/case/{case.pk}/act/{verb}/", {"reason": "x"})

    assert reply.status_code in (302, 404)
    assert Case.objects.get().state == "open"
    assert not AuditEntry.objects.exists()


def test_a_case_that_is_not_there_is_said_so(ana):
    reply = ana.client.get(f"/admin/foundation/case/{new_id()}/act/close/", follow=True)

    assert "There is no case" in reply.content.decode()


def test_a_case_is_found_by_the_id_of_what_it_is_about(ana, a_parked_checkout):
    a_case("Another one")

    page = ana.page(LIST, q=a_parked_checkout.reference)

    assert "is parked" in page
    assert "Another one" not in page


def test_the_page_of_a_case_leads_to_what_it_is_about(ana, a_parked_checkout):
    page = ana.page(PAGE, Case.objects.get().pk)

    assert f"/admin/orders/checkout/{a_parked_checkout.pk}/change/" in page
    assert clock.now().strftime("%Y-%m-%d") in page

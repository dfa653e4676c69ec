"""Staff see the gap: plots, tables, every version; and nothing of it can be edited."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from attribution.gap import versions
from attribution.models import GapVersion
from foundation import clock
from tests.attribution.orders import a_conversion, an_order, counted, days_ago

LIST = "/admin/attribution/gapversion/"
PAGE = f"{LIST}report/"


@pytest.fixture
def staff(transactional_db):
    browser = Client()
    browser.force_login(User.objects.create_superuser("root", password="x"))
    return browser


@pytest.fixture
def some_days(client):
    """Seen, missing and extra on three days, in two currencies, with a hostile campaign."""
    counted(an_order(client, at=days_ago(2), campaign="<script>alert(1)</script>"))
    an_order(client, at=days_ago(1), consent="denied")
    an_order(client, currency="JPY", total=500)
    a_conversion(client.pk, "R999")
    versions.restate(clock.now())


def plots(reply):
    return re.findall(r'<svg class="plot".*?</svg>', reply.content.decode(), re.DOTALL)


def test_the_page_draws_each_currency_and_names_the_causes(staff, some_days):
    reply = staff.get(PAGE)

    assert reply.status_code == 200
    assert len(plots(reply)) == 6
    assert not re.search("nan|inf", "".join(plots(reply)))
    page = reply.content.decode()
    assert "missing: consent denied" in page
    assert "newsletter / email" in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("base", ["placed", "captured", "net_of_refunds"])
def test_every_base_has_its_page(staff, some_days, base):
    assert f"Analytics against {base} orders" in staff.get(PAGE, {"base": base}).content.decode()


def test_days_without_anything_say_so(staff):
    assert "none in these days" in staff.get(PAGE).content.decode()


@pytest.mark.parametrize("query", [{"from": "x"}, {"base": "\x00"}, {"to": "2026-02-30"}])
def test_an_odd_question_is_answered_with_a_message(staff, some_days, query):
    reply = staff.get(PAGE, query)

    assert reply.status_code == 200
    assert [str(said) for said in reply.context["messages"]]


def test_who_may_not_see_versions_does_not_see_the_page(transactional_db):
    browser = Client()
    browser.force_login(User.objects.create_user("clerk", password="x", is_staff=True))

    assert browser.get(PAGE).status_code == 403


def test_a_version_has_its_page_and_no_form(staff, some_days):
    row = GapVersion.objects.first()
    address = f"{LIST}{row.pk}/change/"

    assert "By channel" in staff.get(address).content.decode()
    assert staff.post(address).status_code == 403
    assert "The gap" in staff.get(LIST).content.decode()

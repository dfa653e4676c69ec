"""The ledger over the API and in the admin: each client its own, staff all of it, nobody edits."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from payments.models import LedgerLine
from payments.postings import ACCOUNTS
from payments.services import capture
from payments.services.payout import record_payout
from tests import builders
from tests.conftest import Api
from tests.stories import world
from tests.stories.test_staff import somebody

ENTRIES = "/v1/ledger/entries"


def a_payout(amount=1000):
    return record_payout(
        processor_reference="po_paid", amount=amount, currency="USD", state="paid",
        arrives_on=None, by="processor",
    )  # fmt: skip


@pytest.fixture
def auditor(shop):
    """A caller that sees what all clients made."""
    return Api(builders.a_client(scopes=["reports"], sees_all=True)[1])


def usd(reply):
    """Balances by account, those of zero left out."""
    found = {
        item["account"]: balance["balance"]["amount"]
        for item in reply.json()["items"]
        for balance in item["balances"]
    }
    return {account: amount for account, amount in found.items() if amount}


def test_accounts_show_the_whole_chart_with_balances_and_what_is_open(api, auditor):
    payment = world.an_order(api).payment
    capture.capture(payment.pk, by="system:test")
    world.an_order(api)
    a_payout()

    reply = auditor.get("/v1/ledger/accounts")

    assert reply.status_code == 200
    assert [item["account"] for item in reply.json()["items"]] == list(ACCOUNTS)
    assert usd(reply) == {
        "authorizations_held": 4298, "authorizations_granted": -4298,
        "processor_receivable": 3143, "bank": 1000, "customer_receipts": -4298,
        "processing_fees": 155,
    }  # fmt: skip
    today = f"{payment.created_at:%Y-%m-%d}"
    open_items = {
        item["account"]: balance["oldest_open_on"]
        for item in reply.json()["items"]
        for balance in item["balances"]
    }
    assert open_items["authorizations_held"] == open_items["processor_receivable"] == today
    assert open_items["bank"] is None
    assert reply.json()["trial_balance"] == [
        {
            "debits": {"amount": 8596, "currency": "USD"},
            "credits": {"amount": 8596, "currency": "USD"},
            "difference": {"amount": 0, "currency": "USD"},
        }
    ]


def test_a_client_sees_its_own_entries_only_and_no_payouts(api, another_api, auditor):
    order = world.an_order(api)
    a_payout()

    assert usd(another_api.get("/v1/ledger/accounts")) == {}
    assert another_api.get(ENTRIES).json()["items"] == []
    assert [item["type"] for item in api.get(ENTRIES).json()["items"]] == ["authorization"]
    assert "bank" not in usd(api.get("/v1/ledger/accounts"))
    assert [item["type"] for item in auditor.get(ENTRIES).json()["items"]] == [
        "payout", "authorization",
    ]  # fmt: skip
    of_another = another_api.get(ENTRIES, payment=order.payment.reference)
    assert of_another.json()["items"] == []


def test_an_entry_tells_its_origin_and_all_its_lines_debits_first(api):
    payment = world.an_order(api).payment
    step = payment.transactions.get()

    (entry,) = api.get(ENTRIES, payment=payment.reference).json()["items"]

    assert entry["payment"] == payment.reference
    assert entry["transaction"] == step.reference
    assert entry["payout"] is None
    assert entry["id"].startswith("ent_")
    assert entry["lines"] == [
        {"account": "authorizations_held", "amount": {"amount": 4298, "currency": "USD"}},
        {"account": "authorizations_granted", "amount": {"amount": -4298, "currency": "USD"}},
    ]


def test_a_filter_by_account_still_shows_whole_entries(api):
    payment = world.an_order(api).payment
    capture.capture(payment.pk, by="system:test")

    (entry,) = api.get(ENTRIES, account="customer_receipts").json()["items"]

    assert entry["type"] == "capture"
    assert len(entry["lines"]) == 4


def test_entries_are_paged_and_a_page_survives_inserts(api, django_assert_max_num_queries):
    for _ in range(3):
        world.an_order(api)

    first = api.get(ENTRIES, limit="2").json()
    world.an_order(api)
    with django_assert_max_num_queries(4):
        rest = api.get(ENTRIES, limit="2", cursor=first["next_cursor"]).json()

    assert [len(first["items"]), len(rest["items"]), rest["next_cursor"]] == [2, 1, None]
    seen = [entry["id"] for entry in first["items"] + rest["items"]]
    assert len(set(seen)) == 3
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize(
    "query",
    [
        {"payment": "ord_x"}, {"payment": "\x00"}, {"account": "slush"}, {"limit": "0"},
        {"cursor": "pay_" + "a" * 28}, {"account": "bank' OR 1=1"},
    ],
)  # fmt: skip
def test_a_filter_that_can_not_be_is_refused(api, query):
    reply = api.get(ENTRIES, **query)

    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == f"?{next(iter(query))}"


def test_without_the_scope_for_reports_there_is_nothing(shop):
    reader = Api(builders.a_client(scopes=["orders:read"])[1])

    assert reader.get(ENTRIES).status_code == 403
    assert reader.get("/v1/ledger/accounts").status_code == 403


@pytest.mark.parametrize("path", ["/v1/ledger/accounts", ENTRIES])
def test_nothing_is_posted_over_the_api(api, path):
    assert api.post(path, {}, key=builders.a_key()).status_code == 405


# --- staff ------------------------------------------------------------------------------------


@pytest.fixture
def ana(shop):
    """May view, and nothing else."""
    return somebody("ana")


def test_staff_read_balances_open_items_and_a_drawing_on_one_page(api, ana):
    payment = world.an_order(api).payment
    capture.capture(payment.pk, by="system:test")
    a_payout()

    with CaptureQueriesContext(connection) as captured:
        page = ana.page("payments_ledgerline_report")

    assert len(captured) <= 6
    assert "Every clearing account is empty" not in page
    assert re.search(r"processor_receivable</td>.*31\.43 USD", page, re.DOTALL)
    assert '<svg class="plot"' in page
    assert "Trial balance" in page
    assert reverse("admin:payments_ledgerline_report") in ana.page("payments_ledgerline_changelist")


def test_an_empty_ledger_has_a_page_too(ana):
    page = ana.page("payments_ledgerline_report")

    assert "Nothing was posted yet" in page
    assert "Every clearing account is empty" in page


def test_staff_find_lines_by_payment_entry_and_account(api, ana):
    payment, other = world.an_order(api).payment, world.an_order(api).payment
    line = LedgerLine.objects.filter(payment=payment).first()

    for term in (payment.reference, line.entry_reference):
        page = ana.page("payments_ledgerline_changelist", q=term)
        assert line.entry_reference in page
        assert other.ledger_lines.first().entry_reference not in page
    assert "0 ledger lines" in ana.page("payments_ledgerline_changelist", q="bank")


def test_a_payment_and_a_payout_show_their_lines(api, ana):
    payment = world.an_order(api).payment

    assert "authorizations_held" in ana.page("payments_payment_change", payment.pk)
    page = ana.page("payments_payout_change", a_payout().pk)
    assert "processor_receivable" in page
    assert "po_paid" in page


def test_nobody_edits_the_ledger_not_even_a_superuser(api, shop):
    root = somebody("root")
    User.objects.filter(username="root").update(is_superuser=True)
    line = LedgerLine.objects.filter(payment=world.an_order(api).payment).first()

    url = reverse("admin:payments_ledgerline_change", args=[line.pk])
    assert root.client.get(url).status_code == 200
    assert root.client.post(url, {"amount": 1}).status_code == 403
    assert root.client.post(url.replace("change", "delete")).status_code == 403
    assert root.client.get(reverse("admin:payments_ledgerline_add")).status_code == 403


def test_who_may_not_view_the_ledger_sees_no_report(shop):
    eve = somebody("eve")
    eve.user.user_permissions.clear()

    assert eve.get("payments_ledgerline_report").status_code == 403

"""A day of a real shop at a real processor: its books and ours are compared to the cent."""

import datetime as dt

import pytest
from django.core.management import call_command

from foundation import clock
from orders.models import Order
from payments.processors.stripe import StripeProcessor
from reconciliation import daily, runs
from reconciliation.models import (
    ReconciliationBreak,
    ReconciliationRun,
    SettlementLine,
    SettlementReport,
)
from tests import builders
from tests.at_the_processor import Dashboard
from tests.conftest import Api
from tests.stories import world
from tests.stories.payments.moves import Till


@pytest.fixture
def till(api, shop):
    shop.forget()
    return Till(api, shop)


@pytest.fixture
def disputed(api, settings, till):
    """Taken whole, in part, in two, given back in part, disputed; released; declined. The
    disputed one is returned; what its bank did, nobody has heard yet."""
    settings.SETTLEMENT_POLICY = "manual"
    whole, part, refunded, disputed, released = [an_order(api) for _ in range(5)]
    twice = an_order(api, payment_method=builders.several_captures())
    api.checkout(builders.a_purchase(payment_method=builders.decline()))
    till.capture(whole)
    till.capture(part, 2000)
    till.capture(twice, 1500, final=False)
    till.capture(twice, 500, final=True)
    till.capture(refunded)
    till.refund(refunded, 999)
    till.capture(disputed)
    till.void(released)
    Dashboard(till.shop).dispute(disputed)
    return disputed


def an_order(api, **purchase):
    reply = api.checkout(builders.a_purchase(**purchase))
    assert reply.status_code == 201, reply.content
    return Order.objects.select_related("payment").latest("number").payment


def hear_everything():
    """Whatever the processor told, or lists, is followed."""
    call_command("catch_up_events", verbosity=0)
    world.drive_everything(2)


def compare(day=None):
    """What the timetable does in the night after: the run of the day, and its breaks."""
    day = day or clock.now().date()
    clock.move(runs.day_of("stripe", day)[1] + dt.timedelta(hours=5) - clock.now())
    daily.reconcile_due()
    run = ReconciliationRun.objects.get(day=day)
    assert run.state == "completed", run.error
    return run, set(ReconciliationBreak.objects.values_list("kind", "amount", "state"))


def test_a_day_of_which_all_was_heard_matches_to_the_cent(disputed):
    hear_everything()

    run, breaks = compare()

    assert breaks == set()
    assert (run.counts["pairs"], run.counts["matched"], run.counts["found"]) == (5, 5, [])
    assert SettlementReport.objects.get().origin == "api"


def test_a_day_that_was_paid_out_matches_its_payout(disputed, shop):
    shop.backstage("settle")
    hear_everything()

    _, breaks = compare()

    assert breaks == set()


def test_a_dispute_that_nobody_told_us_of_is_found_and_mended_in_the_same_night(disputed):
    _, breaks = compare()
    kinds = {(kind, state) for kind, _, state in breaks}
    assert kinds == {("dispute_unrecorded", "open")}  # its fee may still be on its way
    disputed.refresh_from_db()
    assert disputed.state == "disputed"

    _, breaks = compare()

    assert {state for _, _, state in breaks} == {"auto_resolved"}


FAULTS = {
    "missing": "missing_at_processor",
    "extra": "orphan_capture",
    "off_by_one": "amount_mismatch",
    "other_currency": "currency_mismatch",
}


@pytest.mark.parametrize(("fault", "kind"), FAULTS.items())
def test_a_report_that_differs_from_the_books_is_found_out(api, settings, till, fault, kind):
    settings.RECONCILIATION_SETTLED_SECONDS = 0.0
    settings.SETTLEMENT_POLICY = "manual"
    for _ in range(2):
        till.capture(an_order(api))
    till.shop.fault("settlement", fault)
    day = clock.now().date()
    report = till.shop.http.get(f"/_sandbox/settlement.csv?date={day}").content

    clock.move(runs.day_of("stripe", day)[1] - clock.now())
    assert bring(report, day).status_code == 201

    _, breaks = compare(day)
    assert {(found, state) for found, _, state in breaks} == {(kind, "open")}


def bring(report, day):
    """The file, over the API, by somebody who may."""
    _, key = builders.a_client(sees_all=True)
    begin, end = runs.day_of("stripe", day)
    told_of = f"since={begin:%Y-%m-%dT%H:%M:%SZ}&until={end:%Y-%m-%dT%H:%M:%SZ}"
    return Api(key).post(
        f"/v1/settlements?account=stripe&{told_of}",
        None, key=builders.a_key(), raw=report, content_type="text/csv",
    )  # fmt: skip


def test_what_went_into_a_payout_is_collected_with_the_day(disputed, shop):
    shop.backstage("settle")
    hear_everything()

    _, breaks = compare()

    closing = SettlementLine.objects.get(category="payout")
    inside = SettlementLine.objects.filter(payout_id=closing.payout_id).exclude(pk=closing.pk)
    assert inside.filter(category="charge").exists()
    assert sum(inside.values_list("net", flat=True)) == -closing.net
    assert breaks == set()


def test_a_payout_whose_lines_do_not_add_up_is_a_break(disputed, shop, monkeypatch):
    shop.backstage("settle")
    hear_everything()
    real = StripeProcessor.list_payout_lines

    def one_is_missing(self, **asked):
        return (line for line in real(self, **asked) if line.category != "refund")

    monkeypatch.setattr(StripeProcessor, "list_payout_lines", one_is_missing)

    _, breaks = compare()

    assert {(kind, state) for kind, _, state in breaks} == {("payout_unmatched", "open")}

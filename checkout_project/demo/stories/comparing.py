"""A day with one known break of every class and a known gap: injected, compared, told."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

from checkout_project.demo.day import dashboard, found, night, shoppers, spoiling
from checkout_project.demo.day.our_rows import OurRows
from checkout_project.demo.day.shoppers import HELD, SETTLED, UNANSWERED, Shopper
from checkout_project.demo.outside import Doc
from checkout_project.demo.promises import Promise
from checkout_project.demo.stories.world import SETTLE_SECONDS, World
from foundation import clock
from reconciliation.models import ReconciliationBreak

CLASSES = tuple(ReconciliationBreak.Kind.values)
GIVEN_BACK = 500
NIGHTS_AFTER = 2  # what the processor's books may be late with is a break from then on
IN_THE_REPORT = {
    # break: the line of the report that is changed, and how
    "missing_at_processor": ("charge", spoiling.leave_out),
    "amount_mismatch": ("charge", spoiling.one_more),
    "currency_mismatch": ("charge", spoiling.other_currency),
    "fee_mismatch": ("charge", spoiling.dearer),
    "late_event": ("charge", spoiling.leave_out),  # it comes a day later
    "refund_missing_remote": ("refund", spoiling.leave_out),
}


@dataclass(slots=True)
class Day:
    """What was bought on it and broken in it, by the class of break."""

    world: World
    rows: OurRows
    began: dt.date
    bought: dict[str, tuple[Shopper, Doc]] = field(default_factory=dict)
    injected: Counter[str] = field(default_factory=Counter)

    def payment(self, name: str) -> str:
        """Our id of the payment of one purchase."""
        return str(self.bought[name][1]["payment"]["id"])

    def intent(self, name: str) -> str:
        """The processor's id of it."""
        return self.rows.intent(self.payment(name))

    @property
    def dates(self) -> list[dt.date]:
        """The day; or two of them, when midnight came in between."""
        return list(dict.fromkeys((self.began, _today())))


def day(world: World) -> list[Promise]:
    """Sales with and without analytics; breaks; three nights; what the two reports say."""
    today = Day(world, OurRows(world.database_url), began=_today())
    sell(today)
    gap_injected, gap_totals = measure_gap(today)
    break_at_the_processor(today)
    break_our_rows(today)
    compare(today)
    breaks = world.books.get("reconciliation-breaks", limit="100")["items"]
    injected = dict(today.injected)
    gap_found = found.gap_by_cause(gap_totals)
    world.tell.labeled(
        "breaks", found.table(("class", "found"), injected, found.breaks_by_class(breaks))
    )
    world.tell.labeled("after", found.outcomes(breaks))
    world.tell.labeled("gap", found.table(("cause", "measured"), gap_injected, gap_found))
    world.shop.start(["worker", "beat"])
    return found.day(
        classes=CLASSES,
        injected=injected,
        breaks=breaks,
        gap_injected=gap_injected,
        gap_totals=gap_totals,
    )


def sell(today: Day) -> None:
    """Ten sales that settle; then nobody works any more, and three are held, two unanswered."""
    world = today.world
    for name, shopper in SETTLED.items():
        today.bought[name] = (shopper, shoppers.buy(world.shopper, shopper))
    world.wait(
        "the sales to settle, and the processor's fees to be known",
        lambda: all(_is_settled(today, name) for name in SETTLED) and today.rows.hears_all_fees(),
        seconds=SETTLE_SECONDS,
    )
    _give_back(today)
    world.dashboard.fall_silent()
    world.shop.stop(["beat", "worker"])
    for name, shopper in HELD.items():
        today.bought[name] = (shopper, shoppers.buy(world.shopper, shopper))
    for name in UNANSWERED:
        doc = shoppers.buy_unanswered(world.shopper)
        today.bought[name] = (shoppers.COUNTED, world.shopper.get(f"checkouts/{doc['id']}"))
    count = len(today.bought)
    world.tell.labeled("sold", [f"{count} times, then worker and beat stopped, webhooks silent"])


def measure_gap(today: Day) -> tuple[Counter[str], list[Doc]]:
    """What analytics counted comes in; the gap that was made, and the one that is measured."""
    sold = [today.bought[name] for name in (*SETTLED, *HELD)]
    shoppers.tell_analytics(today.world.shopper, sold, at=clock.now())
    days = {"from": str(today.began), "to": str(today.dates[-1])}
    report = today.world.shopper.get("reports/attribution-gap", **days)
    return shoppers.expected([shopper for shopper, _ in sold]), report["totals"]


def break_at_the_processor(today: Day) -> None:
    """What is done there behind the shop's back."""
    there = today.world.dashboard
    there.refund(today.intent("refund_missing_local"), GIVEN_BACK)
    there.dispute(today.intent("dispute_unrecorded"))
    there.capture(today.intent("status_mismatch"))
    there.charge(dashboard.NOBODYS_AMOUNT)
    total = today.bought["duplicate_charge"][1]["total"]["amount"]
    today.rows.double(today.payment("duplicate_charge"), there.charge(total))
    there.pay_out()  # of which the shop is not told, and whose lines the report has wrong
    names = ("refund_missing_local", "dispute_unrecorded", "status_mismatch")
    _inject(today, *names, "orphan_capture", "duplicate_charge", "payout_unmatched")


def break_our_rows(today: Day) -> None:
    """What the shop's own rows have wrong."""
    _ship_on_a_dead_hold(today)
    today.rows.unpay(today.payment("order_without_payment"))
    orphan = today.payment("orphan_authorization")
    today.rows.forget_hold(orphan, today.world.dashboard.hold_for(orphan))
    _inject(today, "expired_uncaptured_shipped", "order_without_payment", *UNANSWERED)


def compare(today: Day) -> None:
    """The report comes, spoiled; a night; a line comes late; and more nights."""
    changes = {(today.intent(name), line): how for name, (line, how) in IN_THE_REPORT.items()}
    true = {date: today.world.dashboard.report(date) for date in today.dates}
    for date, report in true.items():
        mine = {place: how for place, how in changes.items() if spoiling.has(report, place)}
        _leave(today, spoiling.spoiled(report, mine), of=date, told_on=date)
    _inject(today, *IN_THE_REPORT)
    _pass_nights(today, today.dates)
    after = [today.dates[-1] + dt.timedelta(days=nth + 1) for nth in range(NIGHTS_AFTER)]
    late = [(today.intent("late_event"), "charge")]
    for date, report in true.items():
        if spoiling.has(report, late[0]):
            _leave(today, spoiling.only(report, late), of=date, told_on=after[0])
    _pass_nights(today, after)


def _today() -> dt.date:
    return clock.now().date()


def _inject(today: Day, *names: str) -> None:
    today.injected.update(names)


def _is_settled(today: Day, name: str) -> bool:
    seen = today.world.shopper.get(f"orders/{today.bought[name][1]['order']['id']}")
    return (seen["payment_status"], seen["status"]) == ("captured", "fulfilling")


def _give_back(today: Day) -> None:
    """A refund of ours, which the processor makes and its report will not show."""
    amount = {"amount": GIVEN_BACK, "currency": "USD"}
    path = f"payments/{today.payment('refund_missing_remote')}/refunds"
    today.world.shopper.send("POST", path, {"amount": amount})


def _ship_on_a_dead_hold(today: Day) -> None:
    name = "expired_uncaptured_shipped"
    intent, order = today.intent(name), today.bought[name][1]["order"]["id"]
    lines = [{"sku": "MUG-BLUE", "quantity": 2}]
    parcel = today.world.shopper.send("POST", f"orders/{order}/fulfillments", {"lines": lines})
    today.world.shopper.send("PATCH", f"fulfillments/{parcel['id']}", {"status": "shipped"})
    today.world.dashboard.expire(intent)
    today.rows.expire(today.payment(name))


def _leave(today: Day, report: bytes, *, of: dt.date, told_on: dt.date) -> None:
    """Where that night finds it."""
    night.report_of(of, told_on=told_on, folder=today.world.shop.folder).write_bytes(report)


def _pass_nights(today: Day, dates: list[dt.date]) -> None:
    environment, folder = today.world.shop.environ(), today.world.shop.folder
    told = " and ".join(map(str, dates))
    with today.world.tell.during(f"the night after {told} (one process, its clock moved)"):
        night.passed(dates, environment, folder)

"""Two books to compare: rows of ours, and lines of the processor's, as a test wants them."""

import datetime as dt
import itertools
import uuid
from dataclasses import dataclass, field

from foundation.ids import new_id
from payments.models import Payment, PaymentTransaction
from reconciliation.models import Retelling, SettlementLine, SettlementReport
from reconciliation.window import Window

DAY = dt.date(2026, 3, 10)
BEGIN = dt.datetime(2026, 3, 10, tzinfo=dt.UTC)
END = BEGIN + dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
_numbers = itertools.count(1)


def window(**changes):
    """The day, of an account of which nothing was compared before."""
    facts = {
        "account": "stripe", "day": DAY, "begin": BEGIN, "end": END,
        "since": BEGIN, "waited": DAY - dt.timedelta(days=1), "after_line": 0,
    }  # fmt: skip
    return Window(**facts | changes)


@dataclass
class Step:
    """A successful transaction of ours."""

    kind: str
    amount: int
    at: dt.datetime = BEGIN + HOUR


@dataclass
class Line:
    """A line of theirs; `told` times, of which only the last telling has this gross."""

    category: str
    gross: int
    fee: int = 0
    at: dt.datetime = BEGIN + HOUR
    currency: str = "USD"
    told: int = 1
    payout_id: str = ""


@dataclass
class Story:
    """One payment in both books."""

    ours: list = field(default_factory=list)
    theirs: list = field(default_factory=list)
    currency: str = "USD"
    is_known: bool = True  # by the processor's id
    is_named: bool = False  # by our reference, which the processor carries
    key: str = field(default_factory=lambda: f"pi_{next(_numbers)}")


def write(*stories, covers=(BEGIN, END), account="stripe"):
    """All of them, and one report that covers the day."""
    report = a_report(covers=covers, account=account)
    for story in stories:
        _write_ours(story, account)
        _write_theirs(story, report, account)
    return report


def a_report(*, covers=(BEGIN, END), account="stripe"):
    return SettlementReport.objects.create(
        account=account,
        origin="command",
        name="a.csv",
        format="stripe_csv",
        sha256=uuid.uuid4().hex * 2,
        begins_at=covers[0],
        ends_at=covers[1],
        line_count=1,
        new_line_count=1,
        ingested_by="test",
    )


def _write_ours(story, account):
    if not (story.is_known or story.is_named):
        return
    payment = Payment.objects.create(
        client_id=new_id(),
        stream=new_id(),
        state="captured",
        amount=10_000,
        currency=story.currency,
        payment_method="pm_card_visa",
        processor=account,
        processor_reference=story.key if story.is_known else "",
    )
    story.payment = payment
    _write_steps(story, story.ours)


def _write_steps(story, steps, *, after=0):
    PaymentTransaction.objects.bulk_create(
        PaymentTransaction(
            payment=story.payment,
            kind=step.kind,
            sequence=number,
            succeeded=True,
            amount=step.amount,
            currency=story.currency,
            actor="test",
            created_at=step.at,
        )
        for number, step in enumerate(steps, after + 1)
    )


def go_on(story, steps, lines, *, account="stripe"):
    """What happened to it after it was written; nothing of ours, when it is none."""
    if story.is_known or story.is_named:
        _write_steps(story, steps, after=len(story.ours))
    first, story.theirs = story.theirs, lines
    _write_theirs(story, a_report(covers=(END, END), account=account), account)
    story.ours, story.theirs = story.ours + steps, first + lines


def _write_theirs(story, report, account):
    rows = []
    for line in story.theirs:
        external_id = f"txn_{next(_numbers)}"
        for telling in range(line.told):
            gross = line.gross + (line.told - 1 - telling)
            rows.append(
                SettlementLine(
                    report=report,
                    account=account,
                    number=2,
                    external_id=external_id,
                    digest=uuid.uuid4().hex * 2,
                    category=line.category,
                    currency=line.currency,
                    gross=gross,
                    fee=line.fee,
                    net=gross - line.fee,
                    occurred_at=line.at,
                    processor_reference=story.key,
                    payment_id=story.payment.pk if story.is_named else None,
                    payout_id=line.payout_id,
                    raw={},
                )
            )
    _tell_again(SettlementLine.objects.bulk_create(rows))


def _tell_again(rows):
    """As ingestion does: a line that was told before counts instead of its last telling."""
    last = {}
    for row in rows:
        if row.external_id in last:
            Retelling.objects.create(line=row, earlier=last[row.external_id])
        last[row.external_id] = row

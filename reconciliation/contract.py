"""Reconciliation in the document of the API: its shapes, and every operation."""

from typing import Final

from foundation.edge.contract import (
    MONEY,
    Answer,
    Operation,
    Operations,
    Query,
    Shape,
    boolean,
    choice,
    day,
    integer,
    listed,
    moment,
    named,
    nullable,
    page,
    record,
    reference,
    states,
    text,
)
from foundation.edge.contract_fields import shape_of
from foundation.errors import NotFound
from payments.contract.shapes import ACTOR
from reconciliation import match_views, readers, refusals, settlement_views, views
from reconciliation.ingestion import ImportInProgress, ReportAlreadyRead
from reconciliation.models import ReconciliationBreak, SettlementReport
from reconciliation.readers.base import MalformedReport
from reconciliation.serializers import Day, MatchRequest, ReasonRequest, RunRequest, SettleRequest
from reconciliation.states import BREAK, RUN


@shape_of.register
def _(field: Day) -> Shape:  # noqa: ARG001 - every day is alike
    return day()


_KIND: Final = choice(*ReconciliationBreak.Kind.values)
_BREAK_STATUS: Final = choice(*states("open", BREAK.states))
_SIDE: Final = {"type": "object", "example": {"captured": 4298, "currency": "USD"}}
_RUN: Final = named(
    "ReconciliationRun",
    record(
        id=reference("run"),
        account=text("stripe"),
        day=day(),
        version=integer(1),
        status=choice(*states("completed", RUN.states)),
        payments=nullable(integer(1204)),
        matched=nullable(integer(1203)),
        new_breaks=nullable(integer(1)),
        auto_resolved=nullable(integer(0)),
        volume=listed(MONEY),
        found=listed(
            record(kind=_KIND, count=integer(1), amount=MONEY, is_waiting=boolean(example=False))
        ),
        digest=nullable(text("9d5ed678fe57bcca610140957afab571")),
        error=nullable(text("no report tells of the day")),
        started_at=moment(),
        finished_at=nullable(moment()),
    ),
)
_BREAK: Final = named(
    "ReconciliationBreak",
    record(
        id=reference("brk"),
        account=text("stripe"),
        kind=_KIND,
        status=_BREAK_STATUS,
        amount=MONEY,
        severity=integer(12894),
        payment=nullable(reference("pay")),
        order_number=nullable(integer(1000001)),
        processor_reference=nullable(text("pi_18ea5b4966e677ee122efc66")),
        ours=_SIDE,
        theirs=_SIDE,
        assignee=nullable(text("staff")),
        reason=nullable(text("refunded by hand")),
        began_at=moment(),
        first_seen_at=moment(),
        last_seen_at=moment(),
        settled_at=nullable(moment()),
    ),
)
_MATCH: Final = named(
    "ReconciliationMatch",
    record(
        id=reference("rmt"),
        account=text("stripe"),
        **{"break": reference("brk")},
        status=choice("matched", "undone"),
        processor_references=listed(text("pi_18ea5b4966e677ee122efc66")),
        payments=listed(reference("pay")),
        ours=_SIDE,
        theirs=_SIDE,
        difference={**MONEY, "example": {"amount": 0, "currency": "USD"}},
        closed=listed(reference("brk")),
        matched_by=ACTOR,
        reason=text("the bank's letter of May 3"),
        matched_at=moment(),
        undone_by={**nullable(ACTOR), "example": None},
        undone_reason={**nullable(text("another customer's")), "example": None},
        undone_at={**nullable(moment()), "example": None},
    ),
)
_SETTLEMENT: Final = named(
    "SettlementReport",
    record(
        id=reference("set"),
        account=text("stripe"),
        origin=choice(*states("upload", set(SettlementReport.Origin.values))),
        name=text("day.csv"),
        reader=choice(*readers.NAMES),
        sha256=text("5f0c" * 16),
        since=moment(),
        until=moment(),
        lines=integer(1204),
        new_lines=integer(1204),
        ingested_by=ACTOR,
        ingested_at=moment(),
    ),
)
_ACCOUNT_FILTER: Final = Query("account", "only those of this account", text("stripe"))
_CSV: Final = "balance_transaction_id,created,reporting_category,currency,gross,fee,net\n"
_FLAG: Final = choice("true", "false")
_SORT: Final = choice("severity")
_WIDE: Final = refusals.AccountWideKeyRequired

OPERATIONS: Final[Operations] = {
    (settlement_views.Settlements, "GET"): Operation(
        "list_settlements",
        "List settlement reports",
        {200: Answer("Newest first.", page(_SETTLEMENT))},
        problems=(_WIDE,),
        query=(_ACCOUNT_FILTER,),
        is_paged=True,
    ),
    (settlement_views.Settlements, "POST"): Operation(
        "read_settlement",
        "Have a settlement report read",
        {201: Answer("All of its lines are in the books.", _SETTLEMENT, ("Location",))},
        problems=(
            _WIDE,
            refusals.UnknownAccount,
            MalformedReport,
            ReportAlreadyRead,
            ImportInProgress,
        ),
        body={"type": "string", "description": "The report as it is."},
        media_type="text/csv",
        example=_CSV,
        query=(
            Query("account", "whose books", text("stripe"), required=True),
            Query("reader", "how to read it", choice(*readers.NAMES)),
            Query("name", "what goes on record", text("day.csv", maxLength=255)),
            Query("since", "it tells of what happened from here", moment()),
            Query("until", "to here, exclusive", moment()),
            Query("whole_days", "it tells all of each day that it tells of", _FLAG),
        ),
        is_idempotent=True,
    ),
    (settlement_views.OneSettlement, "GET"): Operation(
        "get_settlement",
        "Read about a settlement report",
        {200: Answer("The report.", _SETTLEMENT)},
        problems=(_WIDE,),
        prefix="set",
        reads_one=True,
    ),
    (views.Runs, "GET"): Operation(
        "list_reconciliation_runs",
        "List runs",
        {200: Answer("Newest first.", page(_RUN))},
        problems=(_WIDE,),
        query=(_ACCOUNT_FILTER,),
        is_paged=True,
    ),
    (views.Runs, "POST"): Operation(
        "start_reconciliation_run",
        "Have a day compared",
        {202: Answer("A worker compares it; the run tells the rest.", _RUN, ("Location",))},
        problems=(
            _WIDE,
            refusals.UnknownAccount,
            refusals.DayNotOver,
            refusals.RunInProgress,
        ),
        body=RunRequest,
        example={"account": "stripe", "day": "2026-11-23"},
        is_idempotent=True,
    ),
    (views.OneRun, "GET"): Operation(
        "get_reconciliation_run",
        "Read a run",
        {200: Answer("The run, and what came of it so far.", _RUN)},
        problems=(_WIDE,),
        prefix="run",
        reads_one=True,
    ),
    (match_views.Matches, "GET"): Operation(
        "list_reconciliation_matches",
        "List what was matched by hand",
        {200: Answer("Newest first.", page(_MATCH))},
        problems=(_WIDE,),
        query=(_ACCOUNT_FILTER,),
        is_paged=True,
    ),
    (match_views.Matches, "POST"): Operation(
        "create_reconciliation_match",
        "Say what belongs together",
        {201: Answer("Compared as one sum from now on.", _MATCH, ("Location",))},
        problems=(
            _WIDE,
            NotFound,
            refusals.BreakNotOpen,
            refusals.NotMatchable,
            refusals.MatchedAlready,
            refusals.SumsDiffer,
            refusals.SecondPersonNeeded,
            refusals.RunInProgress,
        ),
        body=MatchRequest,
        example={
            "break": reference("brk")["example"],
            "payments": [reference("pay")["example"]],
            "reason": "the bank's letter of May 3",
        },
        is_idempotent=True,
    ),
    (match_views.OneMatch, "GET"): Operation(
        "get_reconciliation_match",
        "Read a match",
        {200: Answer("The match, and whether it stands.", _MATCH)},
        problems=(_WIDE,),
        prefix="rmt",
        reads_one=True,
    ),
    (match_views.MatchUndone, "POST"): Operation(
        "undo_reconciliation_match",
        "Take a match back",
        {200: Answer("What ended by it is open again.", _MATCH)},
        problems=(_WIDE, refusals.MatchedAlready, refusals.RunInProgress),
        body=ReasonRequest,
        example={"reason": "another customer's"},
        prefix="rmt",
        is_idempotent=True,
        changes_one=True,
    ),
    (views.Breaks, "GET"): Operation(
        "list_reconciliation_breaks",
        "List breaks",
        {200: Answer("Newest first.", page(_BREAK))},
        problems=(_WIDE,),
        query=(
            _ACCOUNT_FILTER,
            Query("kind", "only those of this class", _KIND),
            Query("status", "only those that are in this state", _BREAK_STATUS),
            Query("sort", "the most severe, as many as `limit` says; no cursor", _SORT),
        ),
        is_paged=True,
    ),
    (views.OneBreak, "GET"): Operation(
        "get_reconciliation_break",
        "Read a break",
        {200: Answer("The break, with both sides.", _BREAK)},
        problems=(_WIDE,),
        prefix="brk",
        reads_one=True,
    ),
    (views.BreakSettlement, "POST"): Operation(
        "resolve_reconciliation_break",
        "Settle a break",
        {200: Answer("The break now.", _BREAK)},
        problems=(_WIDE, refusals.BreakNotOpen, refusals.SecondPersonNeeded),
        body=SettleRequest,
        example={"status": "resolved", "reason": "refunded by hand"},
        prefix="brk",
        is_idempotent=True,
        changes_one=True,
    ),
}

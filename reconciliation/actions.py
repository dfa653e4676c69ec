"""The idempotent POSTs of reconciliation; the sweep finishes any of them."""

import uuid
from typing import Final

import orjson

from events import outbox
from events.outbox import Event
from foundation.actions import Action
from foundation.idempotency import Answer
from reconciliation import representations, runs
from reconciliation.models import Match, ReconciliationBreak, ReconciliationRun, SettlementReport
from reconciliation.serializers import RunIntent

_JSON: Final = {"Content-Type": "application/json"}


def begin_run(run_id: uuid.UUID, intent: RunIntent, *, by: str) -> None:
    """Write the run down and have a worker perform it, in the caller's transaction."""
    run = runs.begin(account=intent.account, day=intent.day, by=by, run_id=run_id)
    facts = {"run": run.reference, "run_id": str(run.pk)}
    outbox.record(run.pk, [Event("reconciliation.requested", facts)], client_id=None)


def _accepted(run_id: uuid.UUID) -> Answer:
    """202 for good: what came of it is told by the run itself."""
    run = ReconciliationRun.objects.get(pk=run_id)
    location = {"Location": f"/v1/reconciliation-runs/{run.reference}"}
    return Answer(202, orjson.dumps(representations.run(run)), _JSON | location)


def _settled(operation_id: uuid.UUID) -> Answer:
    row = ReconciliationBreak.objects.get(settled_by_operation=operation_id)
    return Answer(200, orjson.dumps(representations.break_(row)), _JSON)


def _matched(operation_id: uuid.UUID) -> Answer:
    row = Match.objects.get(operation=operation_id)
    location = {"Location": f"/v1/reconciliation-matches/{row.reference}"}
    return Answer(201, orjson.dumps(representations.match(row)), _JSON | location)


def _unmatched(operation_id: uuid.UUID) -> Answer:
    row = Match.objects.get(undone__operation=operation_id)
    return Answer(200, orjson.dumps(representations.match(row)), _JSON)


def _ingested(report_id: uuid.UUID) -> Answer:
    report = SettlementReport.objects.get(pk=report_id)
    location = {"Location": f"/v1/settlements/{report.reference}"}
    return Answer(201, orjson.dumps(representations.settlement(report)), _JSON | location)


RUN: Final = Action("reconciliation_run", finish=_accepted, for_now=_accepted)
SETTLE: Final = Action("break_settlement", finish=_settled, for_now=_settled)
INGEST: Final = Action("settlement_report", finish=_ingested, for_now=_ingested)
MATCH: Final = Action("match_by_hand", finish=_matched, for_now=_matched)
UNMATCH: Final = Action("match_undone", finish=_unmatched, for_now=_unmatched)

ACTIONS: Final = {action.kind: action for action in (RUN, SETTLE, INGEST, MATCH, UNMATCH)}

"""The HTTP edge of reconciliation: start and read runs, read breaks, settle one."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import F
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.actions import Wish, perform
from foundation.edge import lookup
from foundation.edge.authentication import principal
from foundation.edge.http import refuse_stale, stored, tagged
from foundation.errors import InvalidInput
from foundation.idempotency_header import read_key
from foundation.models import client_scope
from reconciliation import actions, handling, representations, selectors
from reconciliation.models.break_ import BreakRows
from reconciliation.serializers import RunRequest, SettleRequest


class Runs(APIView):
    """GET and POST /v1/reconciliation-runs."""

    scopes = {"GET": "reports", "POST": "reconciliation:write"}

    def get(self, request: Request) -> Response:
        """Newest first, by cursor; `account` filters."""
        query = lookup.asked(request.query_params, "account", *lookup.PAGE)
        rows = selectors.runs(principal(request))
        if account := lookup.text(query, "account"):
            rows = rows.filter(account=account)
        found, following = lookup.page(
            rows, prefix="run", limit=query.get("limit", ""), cursor=query.get("cursor", "")
        )
        items = [representations.run(row) for row in found]
        return Response({"items": items, "next_cursor": following})

    def post(self, request: Request) -> HttpResponse:
        """Have a day compared by a worker: 202, and the run tells the rest."""
        key, caller = read_key(request.headers.get("Idempotency-Key")), principal(request)
        selectors.refuse_unless_account_wide(caller)
        intent = RunRequest.accept(request.data)
        scope = client_scope(caller.client_id, "POST", "/v1/reconciliation-runs")
        reply = perform(
            actions.RUN,
            Wish(scope, key, request.data),
            begin=lambda run_id: actions.begin_run(run_id, intent, by=caller.actor),
        )
        return stored(reply.answer, is_replay=reply.is_replay)


class OneRun(APIView):
    """GET /v1/reconciliation-runs/{id}."""

    scopes = {"GET": "reports"}

    def get(self, request: Request, reference: str) -> HttpResponse:
        """The run, and what came of it so far."""
        row = lookup.one(selectors.runs(principal(request)), prefix="run", reference=reference)
        return tagged(request, representations.run(row))


class Breaks(APIView):
    """GET /v1/reconciliation-breaks."""

    scopes = {"GET": "reports"}

    def get(self, request: Request) -> Response:
        """Newest first, by cursor; `account`, `kind` and `status` filter.

        `sort=severity`: the most severe instead, as many as `limit` says, without a cursor.
        """
        query = lookup.asked(request.query_params, *selectors.FILTERS, "sort", *lookup.PAGE)
        rows = selectors.narrowed(selectors.breaks(principal(request)), query)
        if (sort := lookup.text(query, "sort")) == "severity":
            return Response({"items": _most_severe(rows, query), "next_cursor": None})
        if sort:
            raise InvalidInput("sort is severity, or left out.", errors=[lookup.bad("sort")])
        found, following = lookup.page(
            rows, prefix="brk", limit=query.get("limit", ""), cursor=query.get("cursor", "")
        )
        items = [representations.break_(row) for row in found]
        return Response({"items": items, "next_cursor": following})


def _most_severe(rows: BreakRows, query: Mapping[str, str]) -> list[dict[str, Any]]:
    size, _ = lookup.window(prefix="brk", limit=query.get("limit", ""), cursor="")
    if query.get("cursor"):
        raise InvalidInput("The most severe have no cursor.", errors=[lookup.bad("cursor")])
    ordered = rows.with_severity().order_by(F("severe").desc(), "-pk")
    return [representations.break_(row) for row in ordered[:size]]


class OneBreak(APIView):
    """GET /v1/reconciliation-breaks/{id}."""

    scopes = {"GET": "reports"}

    def get(self, request: Request, reference: str) -> HttpResponse:
        """The break, with both sides."""
        row = lookup.one(selectors.breaks(principal(request)), prefix="brk", reference=reference)
        return tagged(request, representations.break_(row))


class BreakSettlement(APIView):
    """POST /v1/reconciliation-breaks/{id}/resolve."""

    scopes = {"POST": "reconciliation:write"}

    def post(self, request: Request, reference: str) -> HttpResponse:
        """Say that somebody saw to it, or that the money is given up; on record."""
        key, caller = read_key(request.headers.get("Idempotency-Key")), principal(request)
        wanted = SettleRequest.accept(request.data)
        row = lookup.one(selectors.breaks(caller), prefix="brk", reference=reference)
        route = f"/v1/reconciliation-breaks/{row.reference}/resolve"

        def begin(operation_id: uuid.UUID) -> None:
            refuse_stale(request, lambda: representations.break_(handling.locked(row.pk)))
            handling.settle(
                row.pk, wanted.as_, by=caller.actor, reason=wanted.reason,
                operation_id=operation_id,
            )  # fmt: skip

        scope = client_scope(caller.client_id, "POST", route)
        reply = perform(actions.SETTLE, Wish(scope, key, request.data), begin=begin)
        return stored(reply.answer, is_replay=reply.is_replay)

"""The HTTP edge of matching by hand: say what belongs together, read it, take it back."""

import uuid

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation import ids
from foundation.actions import Wish, perform
from foundation.edge import lookup
from foundation.edge.authentication import Principal, principal
from foundation.edge.http import refuse_stale, stored, tagged
from foundation.errors import InvalidInput
from foundation.idempotency_header import read_key
from foundation.models import client_scope
from reconciliation import actions, by_hand, representations, selectors
from reconciliation.by_hand import Claim
from reconciliation.models import Match, ReconciliationBreak
from reconciliation.serializers import MatchIntent, MatchRequest, ReasonRequest

_PATH = "/v1/reconciliation-matches"


class Matches(APIView):
    """GET and POST /v1/reconciliation-matches."""

    scopes = {"GET": "reports", "POST": "reconciliation:write"}

    def get(self, request: Request) -> Response:
        """Newest first, by cursor; `account` filters."""
        query = lookup.asked(request.query_params, "account", *lookup.PAGE)
        rows = selectors.matches(principal(request))
        if account := lookup.text(query, "account"):
            rows = rows.filter(account=account)
        found, following = lookup.page(
            rows, prefix="rmt", limit=query.get("limit", ""), cursor=query.get("cursor", "")
        )
        items = [representations.match(row) for row in found]
        return Response({"items": items, "next_cursor": following})

    def post(self, request: Request) -> HttpResponse:
        """Say that a break's lines belong to payments: 201 with both sides and what ended."""
        key, caller = read_key(request.headers.get("Idempotency-Key")), principal(request)
        selectors.refuse_unless_account_wide(caller)
        wanted = MatchRequest.accept(request.data)
        row, claim = _break(caller, wanted), _claim(wanted)
        reply = perform(
            actions.MATCH,
            Wish(client_scope(caller.client_id, "POST", _PATH), key, request.data),
            begin=lambda operation_id: by_hand.match(
                row.pk, claim, by=caller.actor, operation_id=operation_id
            ),
        )
        return stored(reply.answer, is_replay=reply.is_replay)


class OneMatch(APIView):
    """GET /v1/reconciliation-matches/{id}."""

    scopes = {"GET": "reports"}

    def get(self, request: Request, reference: str) -> HttpResponse:
        """The match, and whether it stands."""
        return tagged(request, representations.match(_found(principal(request), reference)))


class MatchUndone(APIView):
    """POST /v1/reconciliation-matches/{id}/undo."""

    scopes = {"POST": "reconciliation:write"}

    def post(self, request: Request, reference: str) -> HttpResponse:
        """Take it back; what ended by it is open again."""
        key, caller = read_key(request.headers.get("Idempotency-Key")), principal(request)
        reason = ReasonRequest.accept(request.data)
        row = _found(caller, reference)
        scope = client_scope(caller.client_id, "POST", f"{_PATH}/{row.reference}/undo")

        def begin(operation_id: uuid.UUID) -> None:
            # No lock: all that ever changes of a match is that it is taken back, once.
            refuse_stale(request, lambda: representations.match(_found(caller, reference)))
            by_hand.unmatch(row.pk, by=caller.actor, reason=reason, operation_id=operation_id)

        reply = perform(actions.UNMATCH, Wish(scope, key, request.data), begin=begin)
        return stored(reply.answer, is_replay=reply.is_replay)


def _found(caller: Principal, reference: str) -> Match:
    return lookup.one(selectors.matches(caller), prefix="rmt", reference=reference)


def _break(caller: Principal, wanted: MatchIntent) -> ReconciliationBreak:
    return lookup.one(selectors.breaks(caller), prefix="brk", reference=wanted.break_)


def _claim(wanted: MatchIntent) -> Claim:
    """With ids of ours. Raises `InvalidInput` for what is no id of a payment."""
    payments: list[uuid.UUID] = []
    for nth, text in enumerate(wanted.payments):
        payment_id = ids.parse("pay", text)
        if payment_id is None:
            told = "A payment is named by its pay_ id."
            problem = {"pointer": f"/payments/{nth}", "code": "invalid", "detail": told}
            raise InvalidInput(told, errors=[problem])
        payments.append(payment_id)
    return Claim(payments, wanted.reason, wanted.references, wanted.keeps_difference)

"""The HTTP edge of the ledger: reads only."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.edge import lookup
from foundation.edge.authentication import principal
from payments.ledger import entries, representations
from payments.ledger.balances import balances, daily_totals, trial_balance


class LedgerAccounts(APIView):
    """GET /v1/ledger/accounts."""

    scopes = {"GET": "reports"}

    def get(self, request: Request) -> Response:
        """The chart with today's balances, and the trial balance; of the caller's own payments."""
        caller = principal(request)
        client_id = None if caller.sees_all else caller.client_id
        found = balances(daily_totals(client_id=client_id), client_id=client_id)
        return Response(
            {
                "items": representations.accounts(found),
                "trial_balance": representations.trial(trial_balance(found)),
            }
        )


class LedgerEntries(APIView):
    """GET /v1/ledger/entries."""

    scopes = {"GET": "reports"}

    def get(self, request: Request) -> Response:
        """Newest first, by cursor; `payment` and `account` filter."""
        query = lookup.asked(request.query_params, "payment", "account", *lookup.PAGE)
        rows = entries.lines(principal(request))
        if payment := lookup.text(query, "payment"):
            rows = entries.of_payment(rows, payment)
        if account := lookup.text(query, "account"):
            rows = entries.of_account(rows, account)
        found, following = entries.page(
            rows, limit=query.get("limit", ""), cursor=query.get("cursor", "")
        )
        items = [representations.entry(entry) for entry in found]
        return Response({"items": items, "next_cursor": following})

"""A page of a hundred costs no statement more than a page of one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from events import feed
from orders.models import Fulfillment, FulfillmentLine, Order
from payments.models import Payment
from reconciliation.models import Match, MatchMember
from tests import builders
from tests.api.conftest import Caller
from tests.api.paths import EVERY
from tests.api.world import a_world

LISTS = [place for place, method in EVERY if place.operations[method].is_paged]
SEVERAL = (
    "/v1/orders", "/v1/payments", "/v1/ledger/entries", "/v1/events", "/v1/deliveries",
    "/v1/reconciliation-matches",
)  # fmt: skip


@pytest.fixture
def reader(api):
    """Somebody who sees all of a shop with three of the things that lists are made of."""
    world = a_world(api)
    for _ in range(2):
        api.checkout()
    feed.publish()
    for order in Order.objects.all():
        for state in ("shipped", "canceled"):
            shipment = Fulfillment.objects.create(
                order=order, is_automatic=False, sequence=7 + len(state), state=state
            )
            line = order.lines.get()
            FulfillmentLine.objects.create(fulfillment=shipment, order_line=line, quantity=1)
    first = Match.objects.get()
    for number in range(2):
        match = Match.objects.create(
            account="stripe", key=f"pi_{number}x", broken=first.broken, ours={}, theirs={},
            difference=0, currency="USD", matched_by="api:shop", reason="a letter",
        )  # fmt: skip
        MatchMember.objects.create(match=match, payment_id=Payment.objects.all()[number].pk)
    assert world
    _, key = builders.a_client(sees_all=True)
    found = Caller(key)
    found.send(LISTS[0], "GET")  # the key is known from now on
    return found


def asked(reader, place, *, limit):
    with CaptureQueriesContext(connection) as captured:
        reply = reader.send(place, "GET", path=f"{place.path}?limit={limit}")
    assert reply.status_code == 200, reply.content
    return len(reply.json()["items"]), [query["sql"] for query in captured.captured_queries]


def test_no_list_costs_a_statement_for_each_row(reader):
    for place in LISTS:
        (_, one), (many, whole) = asked(reader, place, limit=1), asked(reader, place, limit=100)

        assert len(whole) == len(one), (place, whole)
        assert many > 2 or place.route not in SEVERAL, place

"""What a checkout costs in statements and commits. Transaction control is counted apart."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from foundation.edge.authentication import ApiKeyAuthentication
from orders.models import Order, StockItem
from tests import builders

CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET ")


class Costs:
    def __init__(self, queries):
        self.all = [query["sql"].strip() for query in queries]

    @property
    def statements(self):
        return [sql for sql in self.all if not sql.upper().startswith(CONTROL)]

    @property
    def commits(self):
        return [sql for sql in self.all if sql.upper().startswith("COMMIT")]

    @property
    def savepoints(self):
        return [sql for sql in self.all if sql.upper().startswith("SAVEPOINT")]


@pytest.fixture
def warm(api, settings):
    """A worker that has served before: its key and its rate tables are known."""
    settings.RATE_TABLES_SECONDS = 60.0
    settings.API_KEY_CACHE_SECONDS = 60.0
    assert api.checkout().status_code == 201
    return api


def cost_of(action):
    with CaptureQueriesContext(connection) as captured:
        reply = action()
    return reply, Costs(captured.captured_queries)


def test_a_checkout_costs_two_commits_and_at_most_sixteen_statements(warm):
    reply, costs = cost_of(warm.checkout)

    assert reply.status_code == 201
    assert len(costs.commits) == 2
    assert len(costs.statements) <= 16, "\n".join(costs.statements)
    assert costs.savepoints == []


def test_a_cart_of_fifty_products_costs_no_statement_more_than_a_cart_of_one(warm):
    for number in range(50):
        builders.a_product(f"PLATE-{number:02}", amount=700)
    lines = [{"sku": f"PLATE-{number:02}", "quantity": 1} for number in range(50)]
    _, one = cost_of(warm.checkout)

    reply, fifty = cost_of(lambda: warm.checkout(builders.a_purchase(lines=lines)))

    assert reply.status_code == 201
    assert len(fifty.statements) == len(one.statements)


def test_a_replay_costs_at_most_three_statements_even_in_a_cold_worker(api):
    key, body = builders.a_key(), builders.a_purchase()
    api.checkout(body, key=key)
    ApiKeyAuthentication._believed.clear()

    reply, costs = cost_of(lambda: api.checkout(body, key=key))

    assert reply["Idempotent-Replayed"] == "true"
    assert len(costs.statements) <= 3, "\n".join(costs.statements)


def test_the_order_and_its_key_commit_in_one_transaction(api):
    api.checkout()

    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT o.xmin::text, k.xmin::text FROM orders_order o
               JOIN foundation_idempotencykey k ON k.subject_id = o.checkout_id"""
        )
        assert [order == key for order, key in cursor.fetchall()] == [True]


def test_a_declined_card_costs_two_commits(warm):
    body = builders.a_purchase(payment_method=builders.decline())

    reply, costs = cost_of(lambda: warm.checkout(body))

    assert reply.status_code == 402
    assert len(costs.commits) == 2
    assert Order.objects.count() == 1
    assert StockItem.objects.get().reserved == 2

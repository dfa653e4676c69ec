"""Where answers lead: clients and the fuzzer find every step of a purchase by them."""

import json

import pytest

from checkout_project.openapi.links import links
from checkout_project.openapi.views import document
from foundation.edge.contract import (
    Answer,
    Operation,
    Query,
    integer,
    nullable,
    page,
    record,
    reference,
    text,
)

WAYS = [
    ("create_checkout", "201", "get_order"),
    ("create_checkout", "201", "capture_payment"),
    ("create_checkout", "202", "confirm_checkout"),
    ("create_checkout", "202", "cancel_checkout"),
    ("get_order", "200", "create_fulfillment"),
    ("create_fulfillment", "201", "change_fulfillment"),
    ("capture_payment", "201", "refund_payment"),
    ("capture_payment", "201", "list_ledger_entries_of_payment"),
    ("refund_payment", "201", "get_refund"),
    ("create_webhook_endpoint", "201", "ping_webhook_endpoint"),
    ("create_webhook_endpoint", "201", "list_deliveries_of_endpoint"),
    ("list_deliveries", "200", "retry_delivery"),
    ("list_events", "200", "list_deliveries_of_event"),
    ("start_reconciliation_run", "202", "list_reconciliation_breaks_of_account"),
    ("list_reconciliation_breaks", "200", "resolve_reconciliation_break"),
    ("create_reconciliation_match", "201", "undo_reconciliation_match"),
]


@pytest.fixture(scope="module")
def operations():
    """Each operation of the committed document, by its name."""
    paths = json.loads(document())["paths"]
    return {each["operationId"]: each for path in paths.values() for each in path.values()}


def pointed_at(value, pointer):
    for part in pointer.strip("/").split("/"):
        value = value[int(part) if isinstance(value, list) else part]
    return value


@pytest.mark.parametrize(("start", "status", "end"), WAYS, ids=str)
def test_there_is_a_way_from_one_step_to_the_next(operations, start, status, end):
    assert end in operations[start]["responses"][status]["links"]


def test_every_link_takes_what_is_there_to_a_parameter_that_is_there(operations):
    looked_at = 0
    for operation in operations.values():
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                ((name, expression),) = link["parameters"].items()
                known = operations[link["operationId"]]["parameters"]
                example = answer["content"]["application/json"]["examples"]["example"]["value"]

                assert name in {parameter.get("name") for parameter in known}
                kind, _, pointer = expression.partition("#")
                assert kind == "$response.body"
                assert isinstance(pointed_at(example, pointer), str)
                looked_at += 1
    assert looked_at > 150


def test_an_id_leads_to_what_takes_it_the_outermost_first_and_one_that_may_be_null_nowhere():
    taker = Operation("get_mug", "Read a mug", {200: Answer("It.")}, prefix="mug")
    asker = Operation(
        "list_mugs", "List mugs", {200: Answer("All.")},
        query=(Query("kiln", "of this kiln", reference("kil")), Query("color", "", text("blue"))),
    )  # fmt: skip
    shape = record(
        shelf=record(id=reference("mug"), kiln=reference("kil")),
        id=reference("mug"),
        broken=nullable(reference("pot")),
        count=integer(2),
    )

    found = links(shape, [taker, asker, Operation("get_pot", "Read a pot", {}, prefix="pot")])
    of_a_list = links(page(record(id=reference("mug"), shelf=reference("kil"))), [taker, asker])

    assert {name: link["parameters"] for name, link in found.items()} == {
        "get_mug": {"id": "$response.body#/id"},
        "list_mugs_of_kiln": {"kiln": "$response.body#/shelf/kiln"},
    }
    assert {name: link["parameters"] for name, link in of_a_list.items()} == {
        "get_mug": {"id": "$response.body#/items/0/id"},
    }

"""The links of the document are walked: each answer's ids are the next requests', step by step.

Which link is taken is drawn, with a seed, among all that the answers so far lead to. Whatever
comes of it, the answer is of a status and a shape that the document has for it.
"""

import json
import random

import jsonschema
import pytest
from django.test import Client

from checkout_project.openapi.views import document
from foundation.idempotency_header import read_key
from payments.models import PaymentTransaction
from tests import builders
from tests.api.world import a_world

STEPS = 24
WAYS = {
    "a purchase": ("create_checkout", 12, {
        "get_checkout", "confirm_checkout", "cancel_checkout", "get_order", "cancel_order",
        "create_fulfillment", "change_fulfillment", "get_fulfillment", "get_payment",
        "capture_payment", "void_payment", "refund_payment", "get_refund",
        "list_ledger_entries_of_payment",
    }),
    "who is told": ("create_webhook_endpoint", 4, {
        "get_webhook_endpoint", "change_webhook_endpoint", "rotate_webhook_secret",
        "ping_webhook_endpoint", "replay_events", "delete_webhook_endpoint",
        "list_deliveries_of_endpoint",
    }),
    "what was told": ("list_events", 3, {
        "get_event", "list_deliveries_of_event", "retry_delivery",
    }),
    "what differs": ("start_reconciliation_run", 3, {
        "get_reconciliation_run", "list_reconciliation_breaks_of_account",
        "get_reconciliation_break", "resolve_reconciliation_break",
    }),
    "what was matched": ("list_reconciliation_matches", 2, {
        "get_reconciliation_match", "undo_reconciliation_match", "get_reconciliation_break",
    }),
}  # fmt: skip


class Walker:
    """Asks as the document says, holds the answer against it, and sees where that leads."""

    def __init__(self, key, *, seed):
        self.document = json.loads(document())
        self.operations = {
            each["operationId"]: (method, path, each)
            for path, methods in self.document["paths"].items()
            for method, each in methods.items()
        }
        self.key, self.client = key, Client(raise_request_exception=False)
        self.draw, self.open, self.taken = random.Random(seed), [], set()

    def walk(self, start, *, steps):
        self.step(start, {})
        for _ in range(steps):
            if not self.open:
                return
            # What was learned last leads on more often than what was learned first.
            name, operation, given = self.open[-1 - int(self.draw.random() ** 2 * len(self.open))]
            self.taken.add(name)
            self.step(operation, given)

    def step(self, name, given):
        method, path, operation = self.operations[name]
        query = {key: value for key, value in given.items() if f"{{{key}}}" not in path}
        where = path.format(**given) if "{" in path else path
        headers = {"Authorization": f"Bearer {self.key}"}
        if "Idempotency-Key" in json.dumps(operation["parameters"]):
            headers["Idempotency-Key"] = read_key(builders.a_key())
        reply = self.client.generic(
            method.upper(), where, data=self.body(name, operation),
            content_type="application/json", headers=headers, query_params=query,
        )  # fmt: skip
        self.hold(name, operation, reply)

    def body(self, name, operation):
        content = operation.get("requestBody", {}).get("content", {})
        works = next((each["examples"]["works"]["value"] for each in content.values()), None)
        if name == "create_checkout":
            card = self.draw.choice([builders.several_captures(), "pm_card_authenticationRequired"])
            works = works | {"cart_id": builders.a_key(), "payment_method": card}
        if name == "capture_payment":
            works = works | {"final": self.draw.random() < 0.3}
        if name == "change_fulfillment":
            works = {"status": self.draw.choice(["shipped", "delivered", "canceled"])}
        return "" if works is None else json.dumps(works)

    def hold(self, name, operation, reply):
        told = operation["responses"].get(str(reply.status_code))
        assert told is not None, (name, reply.status_code, reply.content)
        if "content" not in told:
            return
        answer, media = reply.json(), told["content"][reply["Content-Type"]]
        schema = {**media["schema"], "components": self.document["components"]}
        jsonschema.Draft202012Validator(schema).validate(answer)
        for link_name, link in told.get("links", {}).items():
            ((parameter, expression),) = link["parameters"].items()
            value = pointed_at(answer, expression.partition("#")[2])
            if value is not None:
                self.open.append((link_name, link["operationId"], {parameter: value}))


def pointed_at(value, pointer):
    for part in pointer.strip("/").split("/"):
        try:
            value = value[int(part) if isinstance(value, list) else part]
        except (KeyError, IndexError):
            return None
    return value


@pytest.mark.parametrize("way", WAYS)
def test_the_way_is_walked_and_every_answer_is_one_that_the_document_has(api, settings, way):
    settings.RISK_LIMITS = dict.fromkeys(settings.RISK_LIMITS, (10_000, 10_000))
    start, times, stations = WAYS[way]
    a_world(api)
    _, key = builders.a_client(sees_all=True)
    taken = set()
    for seed in range(times):
        walker = Walker(key, seed=seed)
        walker.walk(start, steps=STEPS)
        taken |= walker.taken

    assert stations - taken == set()
    if way == "a purchase":
        moved = set(PaymentTransaction.objects.values_list("kind", flat=True))
        assert {"authorization", "capture", "void", "refund"} <= moved

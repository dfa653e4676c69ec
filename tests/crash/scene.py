"""What a flow's arrange and act may use: a shopper, time, the broker, the processor, the rows.

Everything that must be known to the process after the killed one is in `Stage`, which travels
through a pipe. Each trial has its own client, product, cart and address: the database is not
emptied between them.
"""

import json
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.test import Client

from checkout_project.celery import app
from events import relay
from foundation import ids
from orders.models import Checkout, Order
from payments.models import Payment
from tests import builders
from tests.crash import incoming
from tests.crash.forks import Line
from tests.crash.memory import FlightRecorder
from tests.crash.outcomes import Outcome
from tests.crash.probe import Probe
from tests.sandbox import Sandbox

ON_HAND: Final = 100
PATH: Final = "/v1/checkouts"
_OPEN_CASES: Final = """
    SELECT EXISTS (
        SELECT 1 FROM foundation_case WHERE state = 'open' AND aggregate_id IN (
            SELECT id FROM orders_checkout WHERE client_id = %(client)s
            UNION SELECT id FROM orders_order WHERE client_id = %(client)s
            UNION SELECT id FROM payments_payment WHERE client_id = %(client)s
            UNION SELECT refund.id FROM payments_refund refund
                JOIN payments_payment payment ON payment.id = refund.payment_id
                WHERE payment.client_id = %(client)s
        )
    )
"""
_web: Final = Client(raise_request_exception=False)


@dataclass
class Stage:
    """One trial's world, as it can be told to another process."""

    sku: str
    client_id: str
    api_key: str
    key: str
    body: dict[str, Any]
    ip: str
    notes: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """For the pipe."""
        return asdict(self)


def a_stage(*, payment_method: str = "visa") -> Stage:
    """A client, a product with stock, and a purchase nobody else makes."""
    own = uuid.uuid4()
    sku = f"CRASH-{own.hex[:12].upper()}"
    builders.a_product(sku, on_hand=ON_HAND)
    client, api_key = builders.a_client(f"crash-{own.hex}")
    body = builders.a_purchase(
        cart_id=f"cart_{own.hex}",
        customer={"reference": f"cus_{own.hex}", "email": f"{own.hex}@example.com"},
        lines=[{"sku": sku, "quantity": 2}],
        payment_method=f"pm_card_{payment_method}__{own.hex}",
    )
    ip = "10." + ".".join(str(part) for part in own.bytes[:3])
    return Stage(sku, str(client.pk), api_key, f"key-{own}", body, ip)


class Scene:
    """One process's part in a trial."""

    def __init__(
        self, *, stage: Stage, outcome: Outcome, probe: Probe, line: Line,
        recorder: FlightRecorder, sandbox: Sandbox, heard: list[dict[str, Any]],
    ) -> None:  # fmt: skip
        self.stage, self.outcome, self.heard = stage, outcome, heard
        self.probe, self.line, self.recorder = probe, line, recorder
        self.sandbox = sandbox
        self.worked_until = 0  # how many points came before the house found nothing more to do

    def post(self, path: str, body: Any, *, key: str = "") -> tuple[int, bytes]:
        """A request of this trial's client, and what it heard; being heard is a point."""
        headers = {"Authorization": f"Bearer {self.stage.api_key}"}
        if key:
            headers["Idempotency-Key"] = key
        reply = _web.post(
            path, json.dumps(body), "application/json", headers=headers, REMOTE_ADDR=self.stage.ip
        )
        text = reply.content.decode()
        heard = {"path": path, "key": key, "status": reply.status_code, "body": text}
        self.probe.around(
            "response", str(reply.status_code), lambda: self._hear(heard), lost=AssertionError
        )
        return reply.status_code, reply.content

    def _hear(self, heard: dict[str, Any]) -> None:
        self.heard.append(heard)
        self.line.say(heard=heard)

    def buy(self) -> tuple[int, bytes]:
        """POST /v1/checkouts, always with the same key and body."""
        return self.post(PATH, self.stage.body, key=self.stage.key)

    def an_order(self) -> Order:
        """A purchase that went well."""
        status, body = self.buy()
        if status != 201:
            raise AssertionError(f"arranging: {status} {body.decode()}")
        return self.order()

    def order(self) -> Order:
        """This trial's order."""
        return Order.objects.select_related("payment").get(client_id=self.stage.client_id)

    def payment(self) -> Payment:
        """This trial's payment."""
        return Payment.objects.get(client_id=self.stage.client_id)

    def checkout(self) -> Checkout:
        """This trial's checkout."""
        return Checkout.objects.get(client_id=self.stage.client_id)

    def is_parked(self) -> bool:
        """Whether it lies on a person's desk: an open case about something of this trial."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('foundation_case') IS NOT NULL")
            if cursor.fetchone() == (False,):
                return False
            cursor.execute(_OPEN_CASES, {"client": self.stage.client_id})
            return bool(cursor.fetchone() == (True,))

    def later(self, seconds: float) -> None:
        """Let time go by, here and at the processor."""
        self.recorder.move_clock(seconds)
        self.sandbox.backstage("clock", move_seconds=seconds)

    def fault(self, operation: str, name: str, **options: Any) -> None:
        """The next request of this operation goes wrong."""
        self.sandbox.fault(operation, name, times=1, **options)

    def run(self, task: str, *, by_hand: bool = False) -> None:
        """One job as beat has it run, without a message; or as a person does, without its window.

        Raises `LookupError` for no such job.
        """
        for job in settings.CELERY_BEAT_SCHEDULE.values():
            if job["task"] == task:
                app.tasks[task](**({} if by_hand else job.get("kwargs", {})))
                return
        raise LookupError(f"{task} is not in the timetable")

    def deliver_events(self) -> list[int]:
        """Every event that the processor has about this payment, carried to our endpoint."""
        statuses = incoming.deliver(self.sandbox, self.payment_reference())
        text = str(statuses)
        self.probe.around("response", text, lambda: self.line.say(told=text), lost=AssertionError)
        return statuses

    def relay(self) -> int:
        """One batch from the outbox to the broker."""
        return relay.relay_batch(limit=settings.RELAY_BATCH)

    def order_reference(self) -> str:
        """The id of this trial's order, '' when it has none."""
        order = Order.objects.filter(client_id=self.stage.client_id).first()
        return order.reference if order else ""

    def payment_reference(self) -> str:
        """Our reference for the payment, as the journal knows it."""
        return ids.public("pay", self.payment().pk)

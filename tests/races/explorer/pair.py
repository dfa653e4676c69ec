"""What a pair is: who meets, on what ground, what must hold afterwards, and its control.

    class CaptureMeetsVoid(Pair):
        '''A capture and a release of one hold: exactly one of them happens.'''

        guard = "the state is not claimed before the processor is called"

        def arrange(self):                       # the ground: before anybody moves
            self.order = self.an_order()

        def actors(self):                        # A, B (and C); each in its own thread
            return [self.capture, self.void]

        def promise(self, captured, voided):     # how each ended; yield what is wrong
            ...

        @staticmethod
        def control():                           # a context in which the guard is gone
            return mock.patch.object(...)

One instance is the world of one schedule: its own client, products, carts and payments. What
must hold for every world (tests/races/explorer/invariants.py) is checked besides the promise.
"""

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar
from unittest import mock

import orjson
from django.db import transaction

from foundation import clock, ids
from foundation.errors import DomainError
from foundation.ids import new_id
from foundation.money import Money
from foundation.transactions import durable
from orders.checkout import news
from orders.checkout.pay import Purchase, pay
from orders.models import Order
from orders.serializers.checkout_request import CheckoutRequest
from payments.models import Payment
from payments.models import ProcessorEvent as EventRow
from payments.processors.base import ProcessorEvent
from payments.processors.stripe_http import BoundedClient
from payments.services import authorize, receive, work_event
from payments.services.receive import Arrival
from tests import builders
from tests.races.explorer.turns import Ended, my_turn
from tests.sandbox import Sandbox
from tests.stories.world import ProcessDied

_numbers = itertools.count(1)
Action = Callable[[], Any]


@dataclass(frozen=True)
class Told:
    """What a client was told: the status, the body, and whether it was a replay."""

    status: int
    body: bytes = b""
    code: str = ""
    is_replay: bool = False

    def __str__(self) -> str:
        return f"{self.status} {self.code}".strip() + (" (replayed)" if self.is_replay else "")


class Pair:
    """One race. Subclasses say what stands in this module's docstring."""

    guard: ClassVar[str]
    players: ClassVar[int] = 2
    may_raise: ClassVar[tuple[type[BaseException], ...]] = (DomainError,)
    registry: ClassVar[dict[str, type["Pair"]]] = {}

    def __init_subclass__(cls) -> None:
        if not cls.__name__.startswith("_"):
            cls.registry[cls.title()] = cls

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.client_id = new_id()
        self.skus: list[str] = []
        self.conflicts: tuple[str, ...] = ()  # what PostgreSQL refused while they met

    @classmethod
    def title(cls) -> str:
        """The name on the command line: CaptureMeetsVoid is capture-meets-void."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    def arrange(self) -> None:
        """Place the ground, outside of any schedule."""

    def actors(self) -> Sequence[Action]:
        """Who meets."""
        raise NotImplementedError

    def promise(self, *ended: Ended) -> Iterator[str]:
        """What is wrong, at rest. Nothing, when the promise is kept."""
        raise NotImplementedError

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        """The world without the guard. Entered once, around a whole exploration."""
        raise NotImplementedError

    # ---- what pairs are made of ----

    def a_product(self, *, on_hand: int = 10, amount: int = 1999) -> str:
        """A product of this world only; its SKU."""
        sku = f"RACE-{next(_numbers)}"
        with transaction.atomic():
            builders.a_product(sku, on_hand=on_hand, amount=amount)
        self.skus.append(sku)
        return sku

    def a_purchase(self, *skus: str, **changes: Any) -> dict[str, Any]:
        """The body of POST /v1/checkouts: one of each SKU (of a new one when none is named)."""
        lines = [{"sku": sku, "quantity": 1} for sku in skus or [self.a_product()]]
        return builders.a_purchase(lines=lines, **changes)

    def pay(self, body: Mapping[str, Any], *, key: str) -> Told:
        """Press Pay, as the view does it, and hear what the client hears."""
        purchase = Purchase(
            intent=CheckoutRequest.accept(body), body=body, key=key, client_id=self.client_id,
            ip=None, user_agent="", referrer="", request_id="",
        )  # fmt: skip
        try:
            reply = pay(purchase)
        except DomainError as refusal:
            return Told(refusal.status, code=refusal.code)
        code = orjson.loads(reply.answer.body).get("code", "")
        return Told(reply.answer.status, reply.answer.body, code, reply.is_replay)

    def an_order(self, **changes: Any) -> Order:
        """A purchase that went well; its events are not told yet."""
        told = self.pay(self.a_purchase(**changes), key=builders.a_key())
        assert told.status == 201, told
        number = ids.parse("ord", orjson.loads(told.body)["order"]["id"])
        return Order.objects.select_related("payment").get(pk=number)

    def a_hold(self) -> Payment:
        """Money held for nobody's order: the ground of pairs that are about the payment alone."""
        made = {"payment_id": new_id(), "client_id": self.client_id, "stream": new_id()}
        card = f"pm_card_visa__race{next(_numbers)}"
        with durable():
            payment = authorize.open_payment(
                **made, total=Money(4298, "USD"), payment_method=card, metadata={}
            )
            call = authorize.next_call(payment)
        answer = call()
        with durable():
            authorize.record(payment, answer, by="test")
        assert payment.state == "authorized", answer
        return payment

    def dies_calling(self, action: Action, *, after: bool) -> None:
        """Run an action whose process dies at its first request: before it is sent, or after."""
        real = BoundedClient.request

        def fatal(*asked: Any, **options: Any) -> Any:
            if after:
                real(*asked, **options)
            raise ProcessDied

        with mock.patch.object(BoundedClient, "request", fatal):
            try:
                action()
            except ProcessDied:
                return
        raise AssertionError("it asked nobody anything")

    def news(self) -> None:
        """The processor's event of whatever it did last comes in, is stored, and is worked."""
        payment = Payment.objects.filter(client_id=self.client_id).order_by("-created_at").first()
        happened = self.sandbox.effects(payment.reference) if payment else []
        if payment is None or not happened:
            return  # it has nothing to tell yet
        about = happened[-1]["payment_intent"]
        message = ProcessorEvent(
            external_id=f"evt_race{next(_numbers)}", type="payment_intent.succeeded",
            kind="payment", object_id=about, processor_reference=about,
            reference=payment.reference, created_at=clock.now(),
        )  # fmt: skip
        self.hear(message)

    def news_taken_up(self) -> None:
        """The same, and the checkout of the payment looks at once, as the chain of it does."""
        self.news()
        row = EventRow.objects.filter(payment__client_id=self.client_id).first()
        if row is not None:
            news.take_up(row.payment_id, event_id=row.pk)

    def hear(self, message: ProcessorEvent) -> None:
        """What the webhook's view does with a genuine message, and then the worker."""
        stored = receive.store(message, name="stripe", body=b"", arrival=Arrival.CATCH_UP)
        work_event.work(stored.row.pk)

    def effects(self, payment: Any, *kinds: str) -> list[Any]:
        """What the processor did with a payment, of these kinds."""
        return [e for e in self.sandbox.effects(payment.reference) if e["effect"] in kinds]


def time_passes(seconds: float) -> None:
    """A point of its own: everybody's leases run out between two steps of somebody else."""
    my_turn(f"TIME {seconds:g} s")
    clock.move(dt.timedelta(seconds=seconds))


def later(seconds: float, action: Action) -> Action:
    """An action for which time passes first."""

    def act() -> Any:
        time_passes(seconds)
        return action()

    return act

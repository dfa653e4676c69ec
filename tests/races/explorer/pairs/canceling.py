"""Pairs around an order that is undone: while it is captured, packed, shipped, or undone again."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from django.conf import settings

from orders import fulfillment, settlement
from orders.cancellation import recovery
from orders.cancellation.cancel import CancelWish, cancel, for_the_house
from orders.fulfillment.change import Change, change
from orders.models import Fulfillment, Order
from payments.models import Payment, Source
from payments.services import void
from tests import builders
from tests.races.explorer.controls import nothing_is_guarded, nothing_is_locked, together
from tests.races.explorer.pair import Action, Pair, later
from tests.races.explorer.turns import Ended

_LEASE_SECONDS: Final = settings.CHECKOUT_LEASE_SECONDS + 1


class _OneOrder(Pair):
    """An order just placed. In the end it is canceled and nothing of it is kept, or it ships."""

    guard = "rows are read without a lock, and states are moved whatever they are"

    def arrange(self) -> None:
        self.order = self.an_order()

    def cancel(self) -> Any:
        """For the house: one key per order, as a desk and a policy have."""
        return cancel(
            for_the_house(self.order.pk, actor="test", source=Source.STAFF, reason="test")
        )

    def cancel_with_a_key(self) -> Any:
        wish = CancelWish(
            self.order.pk, "client", Source.API, "test", f"{self.client_id}", builders.a_key(), {}
        )
        return cancel(wish)

    def promise(self, *ended: Ended) -> Iterator[str]:
        order = Order.objects.select_related("payment").get(pk=self.order.pk)
        states = set(Fulfillment.objects.filter(order=order).values_list("state", flat=True))
        is_shipped = bool(states & {"shipped", "delivered"})
        kept = self._sum("capture") - self._sum("refund")
        held = self._sum("authorization") - self._sum("capture") - self._sum("cancel")
        if order.state == "canceled" and (kept or held or states - {"canceled"}):
            yield f"canceled: {kept} kept, {held} held, shipments {states}"
        if order.state != "canceled" and not is_shipped:
            yield f"it is {order.state}, and nothing was shipped"
        if is_shipped and kept != order.total_amount:
            yield f"shipped, and {kept} of {order.total_amount} kept"

    def _sum(self, kind: str) -> int:
        return sum(effect["amount"] for effect in self.effects(self.order.payment, kind))

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(nothing_is_guarded(), nothing_is_locked())


class CancelMeetsSettlement(_OneOrder):
    """The order is undone while its money is taken: nothing of it is kept."""

    def actors(self) -> Sequence[Action]:
        return [self.cancel, lambda: settlement.settle(self.order.pk)]


class CancelMeetsFulfillment(_OneOrder):
    """The order is undone while the warehouse is told of it: nothing is to be shipped."""

    def actors(self) -> Sequence[Action]:
        return [self.cancel, lambda: fulfillment.fulfill(self.order.pk)]


class CancelMeetsShipment(_OneOrder):
    """The order is undone while its parcel leaves: it is one or the other."""

    def arrange(self) -> None:
        super().arrange()
        self.shipment = fulfillment.fulfill(self.order.pk)

    def actors(self) -> Sequence[Action]:
        return [self.cancel, self.ship]

    def ship(self) -> Fulfillment:
        return change(self.shipment.pk, Change(status="shipped"), by="test")

    def promise(self, *ended: Ended) -> Iterator[str]:
        yield from super().promise(*ended)
        went_well = [each.error is None for each in ended]
        if went_well not in ([True, False], [False, True]):
            yield f"canceled: {went_well[0]}, shipped: {went_well[1]}"


class CancelMeetsCancel(_OneOrder):
    """A client and the house undo one order, each with a key: it is undone once."""

    def actors(self) -> Sequence[Action]:
        return [self.cancel, self.cancel_with_a_key]


class CancelSweepMeetsSlowCancel(_OneOrder):
    """The lease of a cancellation runs out while it is at work: the sweep goes on."""

    def actors(self) -> Sequence[Action]:
        return [self.cancel, later(_LEASE_SECONDS, lambda: recovery.recover_cancellations(limit=5))]


class CancelMeetsVoid(_OneOrder):
    """The order is undone while somebody releases its hold by hand: it is released once."""

    def actors(self) -> Sequence[Action]:
        return [self.cancel, self.release]

    def release(self) -> Payment:
        return void.void(self.order.payment_id, by="staff:ben", reason="test")

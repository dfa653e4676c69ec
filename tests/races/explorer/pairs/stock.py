"""Pairs around the shelf."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock
from uuid import UUID

from django.db.models import F

from foundation.ids import new_id
from foundation.transactions import durable
from orders import inventory, stocktaking
from orders.models import Reservation, StockItem
from orders.refusals import StockBelowReserved
from orders.serializers import checkout_request
from tests import builders
from tests.races.explorer.controls import naive, together, without_rule
from tests.races.explorer.pair import Action, Pair
from tests.races.explorer.turns import Ended


class LastUnitMeetsLastUnit(Pair):
    """Two shoppers want the last unit: one has it, and the other hears that it is gone."""

    guard = "stock is read, decided on, and written back"

    def arrange(self) -> None:
        sku = self.a_product(on_hand=1)
        self.bodies = [self.a_purchase(sku), self.a_purchase(sku)]

    def actors(self) -> Sequence[Action]:
        return [lambda body=body: self.pay(body, key=builders.a_key()) for body in self.bodies]

    def promise(self, *ended: Ended) -> Iterator[str]:
        told = sorted((each.value.status, each.value.code) for each in ended)
        if told != [(201, ""), (409, "out_of_stock")]:
            yield f"told {told}"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return naive(inventory, reserve=_reserve_by_reading_first)


def _reserve_by_reading_first(checkout_id: UUID, wanted: Mapping[str, int]) -> list[str]:
    short = []
    for sku, quantity in wanted.items():
        item = StockItem.objects.get(sku=sku)
        if item.available < quantity:
            short.append(sku)
            continue
        Reservation.objects.create(checkout_id=checkout_id, sku=sku, quantity=quantity)
        StockItem.objects.filter(sku=sku).update(reserved=item.reserved + quantity)
    return short


class AdjustmentMeetsCheckout(Pair):
    """The last unit is written off while it is bought: one of the two is refused."""

    guard = "what is there is read, decided on, and written back"

    def arrange(self) -> None:
        self.sku = self.a_product(on_hand=1)
        self.body = self.a_purchase(self.sku)

    def actors(self) -> Sequence[Action]:
        return [lambda: self.pay(self.body, key=builders.a_key()), self.write_off]

    def write_off(self) -> None:
        with durable():
            stocktaking.adjust(self.sku, -1, adjustment_id=new_id(), by="test", reason="broken")

    def promise(self, *ended: Ended) -> Iterator[str]:
        told, is_written_off = ended[0].value, ended[1].error is None
        if told is None or (told.status == 201) == is_written_off:
            yield f"told {told}, written off: {is_written_off}"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(
            naive(inventory, reserve=_reserve_by_reading_first),
            naive(stocktaking, adjust=_adjust_by_reading_first),
            without_rule("orders_stockitem", "never_reserved_more_than_on_hand"),
        )


def _adjust_by_reading_first(sku: str, delta: int, **_facts: Any) -> None:
    item = StockItem.objects.get(sku=sku)
    if item.on_hand + delta < item.reserved:
        raise StockBelowReserved("It is spoken for.")
    StockItem.objects.filter(sku=sku).update(on_hand=item.on_hand + delta)


class CartsInOppositeOrder(Pair):
    """Two carts name the same products the other way round: both are sold, nobody deadlocks."""

    guard = "lines keep the order of the cart, and stock is taken in that order"

    def arrange(self) -> None:
        forth = [self.a_product(), self.a_product()]
        self.bodies = [self.a_purchase(*forth), self.a_purchase(*reversed(forth))]

    def actors(self) -> Sequence[Action]:
        return [lambda body=body: self.pay(body, key=builders.a_key()) for body in self.bodies]

    def promise(self, *ended: Ended) -> Iterator[str]:
        told = [(each.value.status, each.value.code) for each in ended]
        if told != [(201, "")] * 2:
            yield f"told {told}"
        if "40P01" in self.conflicts:
            yield "PostgreSQL had to break a deadlock"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        as_they_come = mock.patch.object(checkout_request, "sorted", list, create=True)
        return together(as_they_come, naive(inventory, reserve=_reserve_as_it_comes))


def _reserve_as_it_comes(checkout_id: UUID, wanted: Mapping[str, int]) -> list[str]:
    for sku, quantity in wanted.items():
        StockItem.objects.filter(sku=sku).update(reserved=F("reserved") + quantity)
        Reservation.objects.create(checkout_id=checkout_id, sku=sku, quantity=quantity)
    return []

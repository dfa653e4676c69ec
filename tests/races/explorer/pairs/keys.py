"""Pairs around the idempotency key: two claims, two carts, the reaper."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.conf import settings

from foundation import clock, idempotency
from foundation.models import IdempotencyKey
from orders.models import Order
from tests import builders
from tests.races.explorer.controls import naive, together, without_unique
from tests.races.explorer.pair import Action, Pair, Told, later
from tests.races.explorer.turns import Ended

_KEEP_SECONDS = settings.IDEMPOTENCY_KEEP.total_seconds() + 1


class _OneWish(Pair):
    """One body and one key."""

    def arrange(self) -> None:
        self.body, self.key = self.a_purchase(), builders.a_key()

    def press_pay(self) -> Told:
        return self.pay(self.body, key=self.key)

    def orders(self) -> int:
        return Order.objects.filter(client_id=self.client_id).count()


class SameKeyMeetsSameKey(_OneWish):
    """Two requests with one key: one order, one answer; who comes too early is told to wait."""

    guard = "the key is claimed by SELECT and then INSERT, with nothing unique about it"

    def actors(self) -> Sequence[Action]:
        return [self.press_pay] * self.players

    def promise(self, *ended: Ended) -> Iterator[str]:
        told = [each.value for each in ended]
        wins = [each for each in told if each.status == 201]
        others = {(each.status, each.code) for each in told if each.status != 201}
        if others - {(409, "idempotency_in_progress")}:
            yield f"told {others}"
        if len({each.body for each in wins}) != 1 or sum(not w.is_replay for w in wins) != 1:
            yield f"{len(wins)} successes are not one answer and its replays"
        if self.orders() != 1:
            yield f"{self.orders()} orders for one key"
        again = self.press_pay()
        if not again.is_replay or {again.body} != {each.body for each in wins}:
            yield f"the key answers {again.status} {again.code} afterwards"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(
            without_unique("foundation_idempotencykey", "scope, key"),
            without_unique("orders_checkout", "client_id, cart_id"),
            naive(idempotency, claim=_claim_by_looking_first),
        )


class ThreeWithOneKey(SameKeyMeetsSameKey):
    """The same, with three."""

    players = 3


def _claim_by_looking_first(*, scope, key, fingerprint, lease_seconds, subject):
    row = IdempotencyKey.objects.filter(scope=scope, key=key).first()
    if row is not None:
        return idempotency._decide(row, fingerprint, lease_seconds)
    fresh = IdempotencyKey.objects.create(
        scope=scope, key=key, fingerprint=fingerprint, subject_kind=subject[0],
        subject_id=subject[1], leased_until=idempotency.from_now(lease_seconds),
    )  # fmt: skip
    return idempotency.Claim(row=fresh, is_new=True)


class SameCartMeetsSameCart(_OneWish):
    """Two requests for one cart, each with a key of its own: one order, one clear refusal."""

    guard = "nothing in the database says that a cart is ordered once"

    def actors(self) -> Sequence[Action]:
        return [lambda: self.pay(self.body, key=builders.a_key())] * 2

    def promise(self, *ended: Ended) -> Iterator[str]:
        told = sorted((each.value.status, each.value.code) for each in ended)
        refusals = ("checkout_in_progress", "cart_already_ordered")
        if told not in [[(201, ""), (409, refusal)] for refusal in refusals]:
            yield f"told {told}"
        if self.orders() != 1:
            yield f"{self.orders()} orders of one cart"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return without_unique("orders_checkout", "client_id, cart_id")


class ReaperMeetsReplay(_OneWish):
    """A key is deleted while it is being asked: the stored answer, or that the cart is ordered."""

    guard = "nothing in the database says that a cart is ordered once"

    def arrange(self) -> None:
        super().arrange()
        self.first = self.press_pay()

    def actors(self) -> Sequence[Action]:
        return [self.press_pay, later(_KEEP_SECONDS, _reap)]

    def promise(self, *ended: Ended) -> Iterator[str]:
        told = ended[0].value
        if told is None or (told.status, told.body) != (201, self.first.body):
            if told is None or told.code != "cart_already_ordered":
                yield f"the replay was told {told}"
        if self.orders() != 1:
            yield f"{self.orders()} orders of one wish"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return without_unique("orders_checkout", "client_id, cart_id")


class ReaperMeetsSlowOriginal(_OneWish):
    """A request so slow that its key is older than the keep time: the reaper lets it be."""

    guard = "the reaper goes by age alone"

    def actors(self) -> Sequence[Action]:
        return [self.press_pay, later(_KEEP_SECONDS, _reap)]

    def promise(self, *ended: Ended) -> Iterator[str]:
        if ended[0].value is None or ended[0].value.status != 201:
            yield f"told {ended[0].value}"
        if self.orders() != 1:
            yield f"{self.orders()} orders"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return naive(idempotency, reap=_reap_by_age)


def _reap() -> int:
    return idempotency.reap(older_than=settings.IDEMPOTENCY_KEEP, limit=100)


def _reap_by_age(*, older_than: dt.timedelta, limit: int) -> int:
    old = IdempotencyKey.objects.filter(created_at__lt=clock.now() - older_than)
    return old.delete()[0]

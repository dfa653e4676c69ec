"""Pairs around the idempotency key: two claims, two carts, the reaper."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final
from unittest import mock
from uuid import UUID

from django.conf import settings

from foundation import clock, idempotency, reaping
from foundation.models import IdempotencyKey
from orders.checkout import pay
from orders.checkout.pay import Purchase
from orders.models import Checkout, Order
from orders.refusals import CheckoutInProgress
from orders.states import HOLDS_ITS_CART
from tests import builders
from tests.races.explorer.controls import naive, together, without_unique
from tests.races.explorer.pair import Action, Pair, Told, later
from tests.races.explorer.turns import Ended

_KEEP_SECONDS: Final = settings.IDEMPOTENCY_KEEP.total_seconds() + 1
_REALLY_OPEN: Final = pay._open


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
            without_unique("foundation_idempotencykey", "key, scope"),
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
    fresh = _a_row(scope, key, fingerprint, lease_seconds, subject)
    fresh.save(force_insert=True)
    return idempotency.Claim(row=fresh, is_new=True)


def _a_row(scope, key, fingerprint, lease_seconds, subject):
    return IdempotencyKey(
        scope=scope, key=key, fingerprint=fingerprint, subject_kind=subject[0],
        subject_id=subject[1], leased_until=idempotency.from_now(lease_seconds),
    )  # fmt: skip


class SameCartMeetsSameCart(_OneWish):
    """Two requests for one cart, each with a key of its own: one order, one clear refusal."""

    guard = "whether the cart was ordered is looked up, and nothing in the database says so"

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
        return together(
            without_unique("orders_checkout", "client_id, cart_id"),
            mock.patch.object(pay, "_open", _open_by_looking_first),
        )


def _open_by_looking_first(purchase: Purchase, checkout_id: UUID) -> Checkout:
    same_cart = Checkout.objects.filter(
        client_id=purchase.client_id, cart_id=purchase.intent.cart_id, state__in=HOLDS_ITS_CART
    )
    if same_cart.exists():
        raise CheckoutInProgress("It is being ordered.")
    return _REALLY_OPEN(purchase, checkout_id)


class ReaperMeetsReplay(_OneWish):
    """A key is deleted while it is being asked: the stored answer, or that the cart is ordered."""

    guard = "who did not win the key takes it for granted that it is there"

    def arrange(self) -> None:
        super().arrange()
        self.first = self.press_pay()

    def actors(self) -> Sequence[Action]:
        return [self.press_pay, later(_KEEP_SECONDS, _reap)]

    def promise(self, *ended: Ended) -> Iterator[str]:
        told = ended[0].value
        is_replay = told is not None and told.is_replay and told.body == self.first.body
        if not is_replay and (told is None or told.code != "cart_already_ordered"):
            yield f"the replay was told {told}"
        if self.orders() != 1:
            yield f"{self.orders()} orders of one wish"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return naive(idempotency, claim=_claim_for_granted)


def _claim_for_granted(*, scope, key, fingerprint, lease_seconds, subject):
    fresh = _a_row(scope, key, fingerprint, lease_seconds, subject)
    if idempotency._insert(fresh):
        return idempotency.Claim(row=fresh, is_new=True)
    row = IdempotencyKey.objects.select_for_update(no_key=True).get(scope=scope, key=key)
    return idempotency._decide(row, fingerprint, lease_seconds)


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
        return naive(reaping, reap=_reap_by_age)


def _reap() -> int:
    return reaping.reap(older_than=settings.IDEMPOTENCY_KEEP, limit=100)


def _reap_by_age(*, older_than: dt.timedelta, limit: int) -> int:
    old = IdempotencyKey.objects.filter(created_at__lt=clock.now() - older_than)
    return old.delete()[0]

"""Pairs around what is told: the relay, mails, the windows of the timetable, stalled orders."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from django.core import mail
from django.db import transaction

from events import outbox, relay
from events.models import OutboxEvent
from events.outbox import Event
from foundation import clock, periodic
from foundation.ids import new_id
from foundation.models import PeriodicRun
from orders import notifications, stalled
from orders.letters import Topic
from orders.models import Notification, Order
from tests.races.explorer.controls import naive, nothing_is_locked, together, without_unique
from tests.races.explorer.pair import Action, Pair, time_passes
from tests.races.explorer.turns import Ended, my_turn


class RelayMeetsRelay(Pair):
    """Two relays, one outbox: each event is sent once, and marked."""

    guard = "events are read without a lock"

    def arrange(self) -> None:
        self.stream, self.sent = new_id(), Counter()
        facts = [Event("order.canceled", {"race": number}) for number in range(2)]
        with transaction.atomic():
            outbox.record(self.stream, facts, client_id=None)

    def actors(self) -> Sequence[Action]:
        return [self.relay, self.relay]

    def relay(self) -> int:
        return relay.relay_batch(limit=1, send=self.publish) + relay.relay_batch(
            limit=1, send=self.publish
        )

    def publish(self, event: OutboxEvent) -> None:
        my_turn(f"PUBLISH {event.sequence}")
        self.sent[event.sequence] += 1

    def promise(self, *ended: Ended) -> Iterator[str]:
        if self.sent != {1: 1, 2: 1}:
            yield f"sent {dict(self.sent)}"
        states = set(OutboxEvent.objects.filter(stream=self.stream).values_list("state", flat=True))
        if states != {"sent"}:
            yield f"marked {states}"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return nothing_is_locked()


class NotificationMeetsNotification(Pair):
    """Two workers confirm one order: one mail."""

    guard = "whether it was sent is looked up, and then written down"

    def arrange(self) -> None:
        self.order = self.an_order()

    def actors(self) -> Sequence[Action]:
        return [self.notify, self.notify]

    def notify(self) -> bool:
        return notifications.notify(self.order.pk, template=notifications.PLACED)

    def promise(self, *ended: Ended) -> Iterator[str]:
        mails = [letter for letter in mail.outbox if letter.to == [self.order.email]]
        if len(mails) != 1:
            yield f"{len(mails)} mails"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(
            without_unique("orders_notification", "order_id, template, number, refund_id, version"),
            naive(notifications, _claim=_claim_by_looking_first),
        )


def _claim_by_looking_first(order: Order, topic: Topic) -> Notification | None:
    same = {"order": order, "template": topic.template, "number": topic.number}
    if Notification.objects.filter(**same).exists():
        return None
    lease = clock.now()
    return Notification.objects.create(recipient=order.email, leased_until=lease, **same)


class WindowMeetsWindow(Pair):
    """Two beats start one job for one window: it runs once."""

    guard = "whether the window was begun is looked up, and then written down"

    def arrange(self) -> None:
        self.job, self.runs = f"race-{new_id()}", 0

    def actors(self) -> Sequence[Action]:
        guarded = periodic.once_per_window(self.job, seconds=10**9)(self.run)
        return [guarded, guarded]

    def run(self) -> None:
        my_turn("RUN")
        self.runs += 1

    def promise(self, *ended: Ended) -> Iterator[str]:
        if self.runs != 1:
            yield f"the job ran {self.runs} times in one window"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return together(
            without_unique("foundation_periodicrun", 'job, "window"'),
            naive(periodic, claim=_claim_window_by_looking_first),
        )


class WindowMeetsWindowOfTheDead(WindowMeetsWindow):
    """The same, when whoever began this window died long ago."""

    def arrange(self) -> None:
        super().arrange()
        periodic.claim(self.job, periodic.window_of(clock.now(), 10**9))
        time_passes(2 * 3_600)


def _claim_window_by_looking_first(job: str, window: Any) -> bool:
    begun = PeriodicRun.objects.filter(job=job, window=window)
    if begun.filter(started_at__gte=clock.now() - periodic._GIVEN_UP_AFTER).exists():
        return False
    PeriodicRun.objects.create(job=job, window=window, started_at=clock.now())
    return True


class StalledMeetsStalled(Pair):
    """Two sweeps find one stalled order: it is told of once."""

    guard = "orders are read without a lock"

    def arrange(self) -> None:
        self.order = self.an_order()
        time_passes(3_600)

    def actors(self) -> Sequence[Action]:
        return [lambda: stalled.restart_stalled_orders(limit=5)] * 2

    def promise(self, *ended: Ended) -> Iterator[str]:
        told = OutboxEvent.objects.filter(stream=self.order.checkout_id, type="order.stalled")
        if told.count() != 1:
            yield f"told {told.count()} times"

    @staticmethod
    def control() -> AbstractContextManager[Any]:
        return nothing_is_locked()

"""What a story can see and touch, and what several stories look at."""

from collections.abc import Callable
from dataclasses import dataclass

from checkout_project.demo import outside
from checkout_project.demo.day.dashboard import Dashboard
from checkout_project.demo.narrator import Narrator
from checkout_project.demo.outside import Api, Doc, Mailbox, Reply, Shelf, Witness
from checkout_project.demo.promises import Aftermath, Promise
from checkout_project.processes import Shop

SETTLE_SECONDS = 40.0


@dataclass(slots=True)
class World:
    """A running shop, seen from outside; the first purchase is kept for the second story."""

    api: Api
    shopper: Api  # another client, which sees only what it made
    books: Api  # the same client, for whoever compares the books
    dashboard: Dashboard
    witness: Witness
    mailbox: Mailbox
    shop: Shop
    database_url: str
    tell: Narrator
    bought: tuple[Doc, str, Reply] | None = None

    def shelf(self, sku: str) -> Shelf:
        """The stock of one product."""
        return outside.shelf(self.database_url, sku)

    def wait(self, what: str, holds: Callable[[], bool], *, seconds: float) -> bool:
        """Wait, telling so; a process that ended by itself is started again meanwhile."""

        def holds_and_all_live() -> bool:
            self.shop.start_again()
            return holds()

        return self.tell.wait(what, holds_and_all_live, seconds=seconds)

    def is_settled(self, order: str) -> bool:
        """Captured, owed by the warehouse, and the customer told."""
        seen = self.api.get(f"orders/{order}")
        told = self.mailbox.about(order)
        return (seen["payment_status"], seen["status"], bool(told)) == (
            "captured",
            "fulfilling",
            True,
        )

    def wait_settled(self, order: str) -> bool:
        """Wait for what follows an order: settlement, fulfillment, notification."""
        return self.wait(
            "capture, fulfillment and e-mail",
            lambda: self.is_settled(order),
            seconds=SETTLE_SECONDS,
        )

    def aftermath(self, order: str) -> Aftermath:
        """What became of an order, told and returned."""
        seen = self.api.get(f"orders/{order}")
        timeline = self.api.get(f"orders/{order}/timeline")["items"]
        journal = self.witness.journal(payment=seen["payment"])
        self.tell.timeline(timeline)
        self.tell.journal(journal)
        return Aftermath(seen, timeline, journal, len(self.mailbox.about(order)))

    def timeline_of_checkout(self, checkout: str) -> None:
        """Tell what happened to a checkout that may have no order."""
        self.tell.timeline(self.api.get(f"checkouts/{checkout}/timeline")["items"])


@dataclass(frozen=True, slots=True)
class Story:
    """What could go wrong, how to play it, and whose logs explain a broken promise."""

    name: str
    risk: str
    play: Callable[[World], list[Promise]]
    logs: tuple[str, ...]

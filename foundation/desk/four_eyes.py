"""What a page does with a person's yes: the deed itself, or a request for another person's word."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest

from foundation import approvals
from foundation.desk.staff import person, who
from foundation.errors import DomainError
from foundation.money import Money


@dataclass(frozen=True)
class Wish:
    """A verb as it is registered, the row, and the money it moves (None: none).

    `counted` is what that comes to with what was moved before without a second person.
    """

    verb: str
    aggregate: str
    row_id: uuid.UUID
    stake: Money | None
    counted: Money | None = None

    @property
    def takes_two(self) -> bool:
        """Whether it waits for a second person."""
        return approvals.takes_two(self.counted or self.stake)

    @property
    def note(self) -> str:
        """What the question adds when one person is not enough."""
        return approvals.note(self.stake, self.counted)


def alone_or_asked(
    request: HttpRequest, wish: Wish, *, reason: str, do: Callable[[], None]
) -> None:
    """`do()`, which tells what became of it; or asked for, and that is told."""
    try:
        if wish.stake is None or not wish.takes_two:
            do()
            return
        asked = approvals.ask(
            wish.verb, aggregate=wish.aggregate, row_id=wish.row_id, stake=wish.stake,
            user=person(request), by=who(request), reason=reason,
        )  # fmt: skip
        messages.warning(request, approvals.told(asked))
    except DomainError as refusal:
        messages.error(request, f"Nothing was done. {refusal.detail}")

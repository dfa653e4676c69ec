"""The processor paid out to our bank, or the bank sent it back: told to us, never asked by us."""

import datetime as dt
import uuid
from typing import Literal

from django.db import transaction

from foundation import rows
from foundation.ids import new_id
from foundation.state_machine import move
from payments.models import LedgerLine, Payout
from payments.postings import postings
from payments.states import PAYOUT


class PayoutContradicted(Exception):
    """A payout that we know is told again with another amount or currency: a person must look."""


def record_payout(  # noqa: PLR0913 - a payout has this many facts
    *,
    processor_reference: str,
    amount: int,
    currency: str,
    state: Literal["paid", "failed"],
    arrives_on: dt.date | None,
    by: str,
    processor: str = "stripe",
) -> Payout:
    """Write down what became of a payout, with its entry, in the caller's transaction or its own.

    `amount` in minor units, below zero when our bank was debited. Paid posts receivable → bank;
    failed after paid posts it back; failed at once posts nothing. A repeat changes nothing, and
    neither does a `paid` that comes after `failed`. Raises `PayoutContradicted`.
    """
    facts = {"state": state, "amount": amount, "currency": currency, "arrives_on": arrives_on}
    with transaction.atomic():
        payout, is_new = Payout.objects.get_or_create(
            processor=processor, processor_reference=processor_reference, defaults=facts
        )
        if is_new and state == "paid":
            _post(payout, kind="payout")
        elif not is_new:
            _record_again(payout.pk, amount=amount, currency=currency, state=state, by=by)
    payout.refresh_from_db()
    return payout


def _record_again(payout_id: uuid.UUID, *, amount: int, currency: str, state: str, by: str) -> None:
    payout = Payout.objects.select_for_update(no_key=True).get(pk=payout_id)
    if (payout.amount, payout.currency) != (amount, currency):
        raise PayoutContradicted(
            f"{payout.processor_reference} was {payout.amount} {payout.currency},"
            f" and is now told as {amount} {currency}"
        )
    if payout.state == "paid" and state == "failed":
        move(payout, table=PAYOUT, to="failed", by=by, reason="the bank sent it back")
        _post(payout, kind="payout_failure")


def _post(payout: Payout, *, kind: str) -> None:
    entry = payout.pk if kind == "payout" else new_id()
    lines = [
        LedgerLine(
            entry=entry,
            kind=kind,
            payout=payout,
            account=posting.account,
            currency=payout.currency,
            amount=posting.amount,
            description=payout.processor_reference[:200],
        )
        for posting in postings(kind, payout.amount)
    ]
    rows.insert(*lines)

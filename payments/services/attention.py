"""What only a person can decide is put on a person's desk, and never keeps a row from moving on."""

import logging

from payments.models import Payment

_log = logging.getLogger(__name__)


def needs_person(payment: Payment, *, what: str, amount: int, detail: str) -> None:
    """Say that somebody must look at this payment: `what` in one word, `amount` at stake.

    Called in the transaction that found it out. A repeat says the same once more.
    """
    _log.error(
        "payment %s needs a person: %s, %s %s at stake: %s",
        payment.reference, what, amount, payment.currency, detail,
    )  # fmt: skip

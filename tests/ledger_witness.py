"""Three who must tell the same of the money: our ledger, our steps, and the processor's journal.

`agree(shop)` in a story, `differences(...)` in a harness. At rest only: a step whose answer was
lost is in the processor's journal before it is in our books.
"""

from collections import Counter

from payments.amounts import fold
from payments.models import LedgerLine, Payment
from payments.postings import (
    CHARGEBACKS,
    DISPUTE_FEES,
    GRANTED,
    HELD,
    RECEIPTS,
    RECEIVABLE,
    REFUNDS,
    postings,
)

# What an effect at the processor must have done to our accounts, by the kind of our entry.
_KINDS = {
    "authorization": "authorization", "capture": "capture", "cancel": "void", "release": "void",
    "refund": "refund", "refund_failure": "refund_failure", "dispute": "chargeback",
    "dispute_reversal": "chargeback_reversal",
}  # fmt: skip
# The processor's own fees are on its balance, not among its effects.
_TOLD_BY_EFFECTS = (HELD, GRANTED, RECEIPTS, REFUNDS, CHARGEBACKS, DISPUTE_FEES)
_EACH_BY_ITSELF_MAX = 50


def agree(shop, payments=None):
    """Assert that all three tell the same of these payments (None: all there are)."""
    found = differences(shop, payments)
    assert not found, "\n".join(found)


def differences(shop, payments=None):
    """One line for each payment and account on which two of the three differ."""
    rows = list(Payment.objects.all() if payments is None else payments)
    effects = _effects(shop, rows)
    return [line for row in rows for line in _of_one(row, effects[row.reference])]


def ledger(payment):
    """What stands in each account for one payment."""
    lines = LedgerLine.objects.filter(payment=payment)
    return _without_zeros(Counter(), ((line.account, line.amount) for line in lines))


def steps(payment):
    """What must stand there by the fold of its steps; both kinds of fees as one."""
    amounts = fold(payment.transactions.all())
    held = amounts.authorized - amounts.captured - amounts.voided
    kept = amounts.captured - amounts.refunded - amounts.charged_back - amounts.fees
    expected = {
        HELD: held, GRANTED: -held, RECEIVABLE: kept, RECEIPTS: -amounts.captured,
        REFUNDS: amounts.refunded, CHARGEBACKS: amounts.charged_back, "fees": amounts.fees,
    }  # fmt: skip
    return _without_zeros(Counter(), expected.items())


def journal(effects):
    """What must stand there by the effects at the processor, its own fees left out."""
    total = Counter()
    for effect in effects:
        for posting in postings(_KINDS[effect["effect"]], effect["amount"]):
            total[posting.account] += posting.amount
        if fee := effect.get("fee"):
            for posting in postings("dispute_fee", fee):
                total[posting.account] += posting.amount
    return _without_zeros(total, ())


def _of_one(payment, effects):
    ours = ledger(payment)
    folded = Counter(ours)
    folded["fees"] = folded.pop("processing_fees", 0) + folded.pop("dispute_fees", 0)
    told, seen = steps(payment), journal(effects)
    for account in sorted({*folded, *told}):
        if folded[account] != told.get(account, 0):
            yield (
                f"{payment.reference} {account}: the ledger has {folded[account]},"
                f" its steps say {told.get(account, 0)}"
            )
    for account in _TOLD_BY_EFFECTS:
        if ours.get(account, 0) != seen.get(account, 0):
            yield (
                f"{payment.reference} {account}: the ledger has {ours.get(account, 0)},"
                f" the processor's journal says {seen.get(account, 0)}"
            )


def _effects(shop, payments):
    """Effects by our reference: asked one by one when few, in one go when many."""
    wanted = [payment.reference for payment in payments]
    if len(wanted) <= _EACH_BY_ITSELF_MAX:
        return {reference: shop.effects(reference) for reference in wanted}
    found = {reference: [] for reference in wanted}
    for effect in shop.effects():
        reference = effect["metadata"].get("payment")
        if reference in found:
            found[reference].append(effect)
    return found


def _without_zeros(total, pairs):
    for account, amount in pairs:
        total[account] += amount
    return {account: amount for account, amount in total.items() if amount}

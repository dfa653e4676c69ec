"""M-8 to M-10: what must hold of the ledger, and that its guards stand."""

import datetime as dt
from typing import Any, Final

from django.conf import settings

from foundation import clock
from foundation.invariants import Invariant, register
from foundation.postgres.append_only import TRIGGER, append_only_models
from payments.postings import DISPUTE_NOTE, HELD, RECEIVABLE, RULES

_RULES: Final = ", ".join(
    f"('{kind}', '{account}', {sign})"
    for kind, postings in RULES.items()
    for account, sign in postings
)
GUARDS: Final = (
    ("payments_ledgerline", "entries_balance"),
    *((model._meta.db_table, TRIGGER) for model in append_only_models()),  # noqa: SLF001 - Django's
)
_GUARDS: Final = ", ".join(f"('{table}', '{trigger}')" for table, trigger in GUARDS)


@register
class LedgerEntriesBalance(Invariant):
    """M-8."""

    name = "ledger_entries_balance"
    rule = "Every entry sums to zero in each currency."
    about = "entry"
    sql = """
        SELECT entry, 'sums to ' || sum(amount) || ' ' || currency
        FROM payments_ledgerline WHERE entry >= %(since)s
        GROUP BY entry, currency HAVING sum(amount) <> 0
    """


@register
class LedgerHasEveryStepOnce(Invariant):
    """M-10: no line was lost, changed, or made up."""

    name = "ledger_has_every_step_once"
    rule = (
        "Every step that succeeded has exactly the lines its rule asks for, and no line has none."
    )
    about = "paymenttransaction"
    sql = f"""
        WITH expected AS (
            SELECT step.id AS entry, rule.account, step.currency, rule.sign * step.amount AS amount
            FROM payments_paymenttransaction step
            JOIN (VALUES {_RULES}) AS rule (kind, account, sign) ON rule.kind = CASE
                WHEN step.kind = 'fee' AND step.note = '{DISPUTE_NOTE}' THEN 'dispute_fee'
                ELSE step.kind END
            WHERE step.succeeded AND step.amount > 0 AND step.id >= %(since)s
        ), posted AS (
            SELECT entry, account, currency, amount FROM payments_ledgerline
            WHERE transaction_id IS NOT NULL AND entry >= %(since)s
        )
        SELECT entry, concat_ws(' ', account, 'has', coalesce(posted.amount, 0), 'instead of',
            coalesce(expected.amount, 0), currency)
        FROM expected FULL JOIN posted USING (entry, account, currency)
        WHERE expected.amount IS DISTINCT FROM posted.amount
    """  # noqa: S608 - constants of ours


@register
class LedgerIsTheFold(Invariant):
    """M-9, payment by payment."""

    name = "ledger_is_the_fold"
    rule = "What the accounts hold for a payment is what its amounts say."
    about = "payment"
    sql = """
        WITH posted AS (
            SELECT payment_id,
                coalesce(sum(amount) FILTER (WHERE account = 'authorizations_held'), 0) AS held,
                coalesce(sum(amount) FILTER (WHERE account = 'processor_receivable'), 0) AS owed,
                coalesce(-sum(amount) FILTER (WHERE account = 'customer_receipts'), 0) AS taken,
                coalesce(sum(amount) FILTER (WHERE account = 'refunds'), 0) AS refunded,
                coalesce(sum(amount) FILTER (WHERE account = 'chargebacks'), 0) AS charged_back
            FROM payments_ledgerline WHERE payment_id >= %(since)s GROUP BY payment_id
        )
        SELECT payment.id, concat_ws(' ', 'the ledger holds', held, 'owed', owed, 'taken', taken,
            'refunded', refunded, 'charged back', charged_back, currency)
        FROM payments_payment payment LEFT JOIN posted ON posted.payment_id = payment.id
        WHERE payment.id >= %(since)s AND (
            coalesce(held, 0), coalesce(owed, 0), coalesce(taken, 0), coalesce(refunded, 0),
            coalesce(charged_back, 0)
        ) <> (
            authorized_amount - captured_amount - voided_amount,
            captured_amount - refunded_amount - charged_back_amount - fee_amount,
            captured_amount, refunded_amount, charged_back_amount
        )
    """


@register
class EndedPaymentsHoldNothing(Invariant):
    """M-9: the memo accounts empty themselves."""

    name = "ended_payments_hold_nothing"
    rule = "A payment that has ended holds nothing: all of it was captured or released."
    about = "payment"
    sql = f"""
        SELECT payment.id, payment.state || ', still holds ' || sum(line.amount) || ' '
            || line.currency
        FROM payments_payment payment
        JOIN payments_ledgerline line ON line.payment_id = payment.id
        WHERE payment.id >= %(since)s AND line.account = '{HELD}' AND payment.state IN (
            'declined', 'abandoned', 'voided', 'expired', 'captured', 'partially_refunded',
            'refunded')
        GROUP BY payment.id, line.currency HAVING sum(line.amount) <> 0
    """  # noqa: S608 - a constant of ours


@register
class PayoutsArePosted(Invariant):
    """M-9 for the bank account."""

    name = "payouts_are_posted"
    rule = "A paid payout stands in the bank account with its amount, a failed one with nothing."
    about = "payout"
    sql = """
        SELECT payout.id, payout.state || ', posted ' || coalesce(sum(line.amount), 0)
            || ' of ' || payout.amount || ' ' || payout.currency
        FROM payments_payout payout
        LEFT JOIN payments_ledgerline line
            ON line.payout_id = payout.id AND line.account = 'bank'
               AND line.currency = payout.currency
        WHERE payout.id >= %(since)s
        GROUP BY payout.id
        HAVING coalesce(sum(line.amount), 0)
            <> CASE payout.state WHEN 'paid' THEN payout.amount ELSE 0 END
    """


@register
class HoldsEnd(Invariant):
    """A clearing account that does not empty itself: holds."""

    name = "holds_end"
    rule = "No hold lives longer than LEDGER_HOLD_DAYS_MAX."
    about = "payment"
    sql = f"""
        SELECT payment_id, sum(amount) || ' ' || currency || ' held since ' || min(posted_at)
        FROM payments_ledgerline WHERE account = '{HELD}' AND payment_id >= %(since)s
        GROUP BY payment_id, currency
        HAVING sum(amount) <> 0 AND min(posted_at) < %(too_old)s
    """  # noqa: S608 - a constant of ours

    def parameters(self, since: dt.datetime | None) -> dict[str, Any]:
        """With the moment before which an item is too old."""
        too_old = clock.now() - dt.timedelta(days=settings.LEDGER_HOLD_DAYS_MAX)
        return super().parameters(since) | {"too_old": too_old}


@register
class ReceivableIsPaidOut(Invariant):
    """A clearing account that does not empty itself: what we are owed.

    The whole account is one queue, so only a look at everything asks it.
    """

    name = "receivable_is_paid_out"
    rule = "Nothing is owed by the processor for longer than LEDGER_RECEIVABLE_DAYS_MAX."
    about = "account"
    sql = f"""
        WITH daily AS (
            SELECT currency, date_trunc('day', posted_at, 'UTC') AS day,
                sum(greatest(amount, 0)) AS debit, sum(greatest(-amount, 0)) AS credit
            FROM payments_ledgerline WHERE account = '{RECEIVABLE}' AND %(everything)s
            GROUP BY 1, 2
        ), running AS (
            SELECT currency, day,
                sum(debit) OVER days AS debited, sum(credit) OVER days AS credited,
                sum(debit) OVER (PARTITION BY currency) AS debit,
                sum(credit) OVER (PARTITION BY currency) AS credit
            FROM daily WINDOW days AS (PARTITION BY currency ORDER BY day)
        )
        SELECT currency, debit - credit || ' ' || currency || ' open since ' || min(day)
        FROM running
        WHERE (debit > credit AND debited > credit) OR (credit > debit AND credited > debit)
        GROUP BY currency, debit, credit HAVING min(day) < %(too_old)s
    """  # noqa: S608 - a constant of ours

    def parameters(self, since: dt.datetime | None) -> dict[str, Any]:
        """With the moment before which an item is too old."""
        too_old = clock.now() - dt.timedelta(days=settings.LEDGER_RECEIVABLE_DAYS_MAX)
        return super().parameters(since) | {"too_old": too_old, "everything": since is None}


@register
class LedgerGuardsStand(Invariant):
    """A-2, as far as triggers go."""

    name = "ledger_guards_stand"
    rule = "The triggers that keep entries balanced and rows unchanged are there, and always fire."
    about = "trigger"
    sql = f"""
        SELECT guard.name, 'missing or switched off on ' || guard.on_table
        FROM (VALUES {_GUARDS}) AS guard (on_table, name)
        WHERE NOT EXISTS (
            SELECT 1 FROM pg_trigger
            WHERE tgrelid = guard.on_table::regclass AND tgname = guard.name AND tgenabled = 'A'
        )
    """  # noqa: S608 - constants of ours


LEDGER_RULES: Final = (
    LedgerEntriesBalance, LedgerHasEveryStepOnce, LedgerIsTheFold, EndedPaymentsHoldNothing,
    PayoutsArePosted, HoldsEnd, ReceivableIsPaidOut, LedgerGuardsStand,
)  # fmt: skip

"""A processor in memory: the whole port and no I/O, for tests that try thousands of worlds.

It answers as the sandbox does; `tests/contracts/processor` asks both the same questions. Cards are
the sandbox's: `pm_card_visa`, `pm_card_chargeDeclined…`, `pm_card_authenticationRequired`, and the
part `__multicapture`. What banks and cardholders do is in `Backstage`, at `fake.backstage`.
"""

import datetime as dt
import hmac
import itertools
import json
from dataclasses import dataclass, field, replace

from foundation import clock
from foundation.transactions import refuse_inside_transaction
from payments.processors.base import (
    Card,
    Declined,
    OutcomeUnknown,
    ProcessorDispute,
    ProcessorEvent,
    ProcessorPayment,
    ProcessorRefund,
    ProcessorTransaction,
)
from tests.fake_backstage import HOLD, Backstage, digest

FRESH = dt.timedelta(seconds=300)
DECLINES = {
    "pm_card_chargeDeclined": "generic_decline",
    "pm_card_chargeDeclinedInsufficientFunds": "insufficient_funds",
    "pm_card_chargeDeclinedExpiredCard": "expired_card",
}
GONE = ("failed", "canceled")


def fee_of(amount):
    return (amount * 29 + 500) // 1000 + 30


@dataclass
class Account:
    """One payment, with everything that followed from it."""

    reference: str
    seen: ProcessorPayment
    created_at: dt.datetime
    refunds: list[ProcessorRefund] = field(default_factory=list)
    disputes: list[ProcessorDispute] = field(default_factory=list)

    def change(self, **fields):
        self.seen = replace(self.seen, **fields)
        return self.seen


class FakeProcessor:
    """Implements `payments.processors.base.Processor`."""

    def __init__(self):
        self.accounts = {}
        self.lines = []
        self.events = []
        self.faults = []
        self._answers = {}
        self._number = itertools.count(1)
        self.backstage = Backstage(self)

    def authorize(
        self, *, reference, amount, currency, payment_method, key, metadata, off_session=False
    ):
        told = (reference, amount, currency, payment_method, dict(metadata), off_session)
        return self._once("create", key, told, lambda: self._authorize(*told))

    def capture(self, *, processor_reference, amount, key, final=True):
        told = (processor_reference, amount, final)
        return self._once("capture", key, told, lambda: self._capture(*told))

    def void(self, *, processor_reference, key):
        return self._once(
            "cancel", key, processor_reference, lambda: self._void(processor_reference)
        )

    def refund(self, *, processor_reference, amount, key, reference, reason=""):
        told = (processor_reference, amount, reference)
        return self._once("refund", key, (*told, reason), lambda: self._refund(*told))

    def find(self, *, reference, processor_reference, since):
        self._ask("retrieve" if processor_reference else "search")
        if processor_reference:
            return self._account(processor_reference, OutcomeUnknown).seen
        ours = [each.seen for each in self.accounts.values() if each.reference == reference]
        live = [seen for seen in ours if seen.status not in ("canceled", "declined")]
        return next(iter([*live, *ours]), None)

    def find_refund(self, *, processor_reference, reference):
        refunds = self.list_refunds(processor_reference=processor_reference)
        ours = [refund for refund in refunds if refund.reference == reference]
        live = [refund for refund in ours if refund.status not in GONE]
        return next(iter([*live, *ours]), None)

    def list_refunds(self, *, processor_reference):
        self._ask("list")
        account = self.accounts.get(processor_reference)
        return list(reversed(account.refunds)) if account else []

    def list_disputes(self, *, processor_reference):
        self._ask("list")
        account = self.accounts.get(processor_reference)
        return list(reversed(account.disputes)) if account else []

    def list_events(self, *, since, types):
        self._ask("list")
        begin = since.replace(microsecond=0)
        for event in list(self.events):
            if event.created_at >= begin and (not types or event.type in types):
                yield event

    def list_transactions(self, *, since, until, after=""):
        self._ask("list")
        found = [line for line in reversed(self.lines) if since <= line.created_at < until]
        ids = [line.external_id for line in found]
        return iter(found[ids.index(after) + 1 if after else 0 :])

    def list_payout_lines(self, *, payout_id, after=""):
        self._ask("list")
        found = [line for line in reversed(self.lines) if line.payout_id == payout_id]
        ids = [line.external_id for line in found]
        return iter(found[ids.index(after) + 1 if after else 0 :])

    def parse_event(self, *, body, signature):
        try:
            _check(body, *signature.split("."))
            wanted = json.loads(body)["id"]
            return next(event for event in self.events if event.external_id == wanted)
        except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
            raise ValueError("not a genuine processor event") from error

    # One key, one execution.

    def _once(self, operation, key, told, act):
        refuse_inside_transaction()
        fault = self._fault_of(operation)
        if fault == "before":
            raise OutcomeUnknown("lost on its way there")
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = (operation, told, _outcome_of(act))
        elif known[:2] != (operation, told):
            raise OutcomeUnknown("the processor knows this key with other parameters")
        if fault == "after":
            raise OutcomeUnknown("lost on its way back")
        if isinstance(known[2], Declined):
            raise Declined(known[2].code, payment=known[2].payment)
        return known[2]

    def _ask(self, operation):
        refuse_inside_transaction()
        if self._fault_of(operation):
            raise OutcomeUnknown("no answer")

    def _fault_of(self, operation):
        for number, (place, when) in enumerate(self.faults):
            if place == operation:
                del self.faults[number]
                return when
        return None

    # What the operations do.

    def _authorize(self, reference, amount, currency, method, _, off_session):
        name = method.split("__")[0]
        if not name.startswith("pm_card_") or name == "pm_card_noSuchCard":
            raise Declined("resource_missing")
        seen = ProcessorPayment(
            processor_reference=self.new_id("pi"), status="declined", amount=amount,
            currency=currency,
        )  # fmt: skip
        account = self.accounts[seen.processor_reference] = Account(reference, seen, clock.now())
        code = DECLINES.get(name)
        if name == "pm_card_authenticationRequired":
            if not off_session:
                action = {"type": "redirect_to_url"}
                return account.change(status="requires_action", next_action=action)
            code = "authentication_required"
        if code:
            account.change(decline_code=code)
            self.tell("payment_intent.payment_failed", account)
            raise Declined(code, payment=account.seen)
        return self.hold(account, multicapture="multicapture" in method.split("__"))

    def hold(self, account, *, multicapture=False):
        account.change(
            status="authorized", capturable_amount=account.seen.amount, next_action=None,
            capture_before=clock.now() + HOLD, multicapture=multicapture, network="visa",
            card=Card(brand="visa", last4="4242", country="US", fingerprint="fake"),
        )  # fmt: skip
        self.tell("payment_intent.amount_capturable_updated", account)
        return account.seen

    def _capture(self, wanted, amount, final):
        account = self._account(wanted)
        seen = account.seen
        if seen.status != "authorized":
            raise Declined("payment_intent_unexpected_state", payment=seen)
        if amount < (0 if seen.captured_amount and final else 1):
            raise Declined("parameter_invalid_integer")
        if amount > seen.capturable_amount:
            raise Declined("amount_too_large")
        if not final and not seen.multicapture:
            raise Declined("payment_intent_invalid_parameter", payment=seen)
        self.book(account, "charge", amount, fee=fee_of(amount))
        account.change(
            captured_amount=seen.captured_amount + amount,
            capturable_amount=seen.capturable_amount - amount,
            fee_amount=(seen.fee_amount or 0) + fee_of(amount),
        )
        if final or account.seen.capturable_amount == 0:
            self.let_go(account, "captured")
        self.tell("charge.captured" if final else "charge.updated", account)
        return account.seen

    def let_go(self, account, status, *, is_expired=False):
        rest = account.seen.capturable_amount
        account.change(
            status=status, capturable_amount=0, released_amount=account.seen.released_amount + rest,
            is_expired=is_expired if status == "canceled" else None,
        )  # fmt: skip

    def _void(self, wanted):
        account = self._account(wanted)
        if account.seen.status not in ("authorized", "requires_action", "pending", "declined"):
            raise Declined("payment_intent_unexpected_state", payment=account.seen)
        self.let_go(account, "captured" if account.seen.captured_amount else "canceled")
        self.tell("payment_intent.canceled", account)
        return account.seen

    def _refund(self, wanted, amount, reference):
        account = self._account(wanted)
        seen = account.seen
        if not seen.captured_amount:
            raise Declined("payment_intent_unexpected_state", payment=seen)
        if any(not d.is_inquiry and d.status != "won" for d in account.disputes):
            raise Declined("charge_disputed")
        left = seen.captured_amount - seen.refunded_amount
        if left and amount < 1:
            raise Declined("parameter_invalid_integer")
        if amount > left:
            raise Declined("amount_too_large" if left else "charge_already_refunded")
        pending = self._fault_of("refund_pending")
        refund = ProcessorRefund(
            processor_reference=self.new_id("re"), reference=reference, payment_reference=wanted,
            amount=amount, currency=seen.currency, status="pending" if pending else "succeeded",
        )  # fmt: skip
        account.refunds.append(refund)
        account.change(refunded_amount=seen.refunded_amount + amount)
        self.book(account, "refund", -amount, source=refund.processor_reference)
        self.tell("refund.created", account, refund)
        return refund

    def _account(self, wanted, error=Declined):
        if wanted not in self.accounts:
            raise error("resource_missing")
        return self.accounts[wanted]

    # Its books and what it tells.

    def new_id(self, prefix):
        return f"{prefix}_{next(self._number):08d}"

    def book(self, account, category, amount, *, fee=0, source=""):
        at = clock.now().replace(microsecond=0)
        self.lines.append(
            ProcessorTransaction(
                external_id=self.new_id("txn"), category=category, currency=account.seen.currency,
                gross=amount, fee=fee, net=amount - fee, created_at=at, available_on=at,
                source_id=source or account.seen.processor_reference,
                processor_reference=account.seen.processor_reference,
                reference="" if source else account.reference, payout_id="", raw={},
            )
        )  # fmt: skip

    def tell(self, kind, account, subject=None):
        subject_kind = {ProcessorRefund: "refund", ProcessorDispute: "dispute"}.get(type(subject))
        self.events.append(
            ProcessorEvent(
                external_id=self.new_id("evt"), type=kind,
                processor_reference=account.seen.processor_reference,
                reference=getattr(subject, "reference", "") if subject else account.reference,
                created_at=clock.now().replace(microsecond=0), kind=subject_kind or "payment",
                object_id=(subject or account.seen).processor_reference,
            )
        )  # fmt: skip


def _check(body, at, signed):
    if not hmac.compare_digest(signed, digest(at, body)):
        raise ValueError("signed by somebody else")
    if abs(clock.now() - dt.datetime.fromtimestamp(int(at), dt.UTC)) > FRESH:
        raise ValueError("not fresh")


def _outcome_of(act):
    try:
        return act()
    except Declined as declined:
        return declined

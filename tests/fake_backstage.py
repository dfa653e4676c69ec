"""What banks, cardholders and time do to the payments of the processor in memory."""

import datetime as dt
import hashlib
import hmac
import json
from dataclasses import replace

from foundation import clock
from payments.processors.base import ProcessorDispute

SECRET = b"fake"
HOLD = dt.timedelta(days=7)
DISPUTE_FEE = 1500
GONE = ("failed", "canceled")


class Backstage:
    """What banks, cardholders and time do."""

    def __init__(self, fake):
        self._fake = fake

    def lose(self, operation, *, when):
        """The next answer is lost, `before` or `after` its effect."""
        self._fake.faults.append((operation, when))

    def next_refund_is_pending(self):
        self._fake.faults.append(("refund_pending", "yes"))

    def authenticate(self, wanted):
        self._fake.hold(self._fake.accounts[wanted])

    def expire(self, wanted):
        account = self._fake.accounts[wanted]
        status = "captured" if account.seen.captured_amount else "canceled"
        self._fake.let_go(account, status, is_expired=True)
        self._fake.tell("payment_intent.canceled", account)

    def settle_refund(self, payment, refund, status):
        account = self._fake.accounts[payment]
        place = [each.processor_reference for each in account.refunds].index(refund)
        old = account.refunds[place]
        code = "unknown" if status == "failed" else ""
        account.refunds[place] = new = replace(old, status=status, failure_code=code)
        if status in GONE and old.status not in GONE:
            account.change(refunded_amount=account.seen.refunded_amount - old.amount)
            self._fake.book(account, "refund_failure", old.amount, source=refund)
        self._fake.tell("refund.failed" if status == "failed" else "refund.updated", account, new)

    def dispute(self, payment, *, amount=None, reason="fraudulent"):
        account, asking = self._fake.accounts[payment], reason == "inquiry"
        dispute = ProcessorDispute(
            processor_reference=self._fake.new_id("du"), payment_reference=payment,
            amount=amount or account.seen.captured_amount, currency=account.seen.currency,
            reason="general" if asking else reason, is_inquiry=asking,
            status="warning_needs_response" if asking else "needs_response",
            evidence_due_by=clock.now() + HOLD,
            fees={} if asking else {account.seen.currency: DISPUTE_FEE},
        )  # fmt: skip
        account.disputes.append(dispute)
        account.change(disputed=True)
        if not asking:
            source = dispute.processor_reference
            self._fake.book(account, "dispute", -dispute.amount, fee=DISPUTE_FEE, source=source)
        self._fake.tell("charge.dispute.created", account, dispute)
        return dispute.processor_reference

    def close_dispute(self, payment, wanted, status):
        account = self._fake.accounts[payment]
        place = [each.processor_reference for each in account.disputes].index(wanted)
        dispute = account.disputes[place]
        closed = "warning_closed" if dispute.is_inquiry else status
        account.disputes[place] = replace(dispute, status=closed)
        if closed == "won":
            self._fake.book(account, "dispute_reversal", dispute.amount, source=wanted)
        self._fake.tell("charge.dispute.closed", account, account.disputes[place])

    def delivery(self, event_id, *, age_seconds=0):
        """An event as it comes over the wire: body and signature."""
        body = json.dumps({"id": event_id}).encode()
        at = str(int(clock.now().timestamp()) - age_seconds)
        return body, f"{at}.{digest(at, body)}"


def digest(at, body):
    """How the processor in memory signs."""
    return hmac.new(SECRET, at.encode() + b"." + body, hashlib.sha256).hexdigest()

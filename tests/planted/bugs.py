"""The bugs: each one somebody has shipped somewhere, or nearly did here."""

from typing import Final

from tests.planted.bug import Bug
from tests.planted.edge import EDGE

_KEYS: Final = (
    Bug(
        name="the body is not compared with the one first sent",
        file="foundation/idempotency.py",
        before="if bytes(row.fingerprint) != fingerprint:",
        after="if False:",
        suite="tests/contracts/test_bad_input.py -k same_key_with_another_body",
    ),
    Bug(
        name="a key is shared by all clients",
        file="foundation/models.py",
        before='return f"{client_id}:{method} {route}"',
        after='return f"{method} {route}"',
        suite="tests/contracts/test_bad_input.py -k another_clients_same_key",
    ),
    Bug(
        name="a stale lease may write",
        file="foundation/idempotency.py",
        before="if row.lease_token != self.token or row.state != State.IN_PROGRESS:",
        after="if row.state != State.IN_PROGRESS:",
        suite="tests/stories/test_stale_holders.py",
    ),
    Bug(
        name="who slept through the lease wakes up and sends",
        file="foundation/idempotency.py",
        before="if time.monotonic() - self.taken_at >= self.seconds:",
        after="if False:",
        suite="tests/stories/test_hard_cases_of_recovery.py",
    ),
    Bug(
        name="an outcome that is not known is stored as the final answer",
        file="orders/checkout/endings.py",
        before="    idempotency.postpone(key, seconds=seconds)\n    checkout.answer =",
        after="    idempotency.complete(key, in_flight(checkout))\n    checkout.answer =",
        suite="tests/stories/test_unknown_outcomes.py -k lost_answer",
    ),
    Bug(
        name="the reaper deletes keys that are still open",
        file="foundation/reaping.py",
        before="~Exists(still_open), state__in=_ENDED, completed_at__lt=clock.now() - older_than",
        after="created_at__lt=clock.now() - older_than",
        suite="tests/foundation/test_reaping.py",
    ),
)

_AUTHORIZATION: Final = (
    Bug(
        name="a time-out is taken for a decline",
        file="payments/services/authorize.py",
        before='elif answer.outcome == "refused":',
        after='elif answer.outcome in ("refused", "unknown"):',
        suite="tests/stories/test_unknown_outcomes.py -k lost_answer",
    ),
    Bug(
        name="a payment that may have been sent is sent again without asking",
        file="payments/services/authorize.py",
        before="    return look_up(payment)\n\n\ndef look_up(",
        after="    return _authorization(payment)\n\n\ndef look_up(",
        suite="tests/stories/test_recovery_points.py",
    ),
    Bug(
        name="not found is believed while the look-up lags",
        file="payments/services/authorize.py",
        before='if answer.outcome == "absent" and clock.now() >= absence_is_proof_at(payment):',
        after='if answer.outcome == "absent":',
        suite="tests/stories/test_unknown_outcomes.py -k no_proof",
    ),
    Bug(
        name="each try has a new key at the processor",
        file="payments/models/payment.py",
        before='return f"{self.reference}-{operation}-{sequence}"',
        after='return f"{self.reference}-{operation}-{sequence}-{new_id()}"',
        suite="tests/stories/test_unknown_outcomes.py tests/stories/test_hard_cases_of_holds.py",
    ),
    Bug(
        name="no reference of ours goes to the processor",
        file="payments/processors/stripe.py",
        before='metadata={**metadata, "payment": reference},',
        after="metadata=dict(metadata),",
        suite="tests/stories/test_unknown_outcomes.py -k lost_answer",
    ),
)

_MONEY: Final = (
    Bug(
        name="a capture whose answer was lost is sent again without asking",
        file="payments/services/capture.py",
        before="    answer = look_up(payment)()\n    if _did_not_happen(payment, answer):",
        after='    answer = Answer("absent")\n    if payment.state:',
        suite="tests/stories/payments/test_captures_in_doubt.py -k no_proof",
    ),
    Bug(
        name="what is sent again is all that is held, and not what was claimed",
        file="payments/services/capture.py",
        before="        amount=payment.claimed_amount,\n        key=",
        after="        amount=payment.capturable,\n        key=",
        suite="tests/stories/payments/test_captures.py -k partial_capture",
    ),
    Bug(
        name="a refund that may have been sent is sent again while the look-up lags",
        file="payments/services/refund.py",
        before='answer.outcome == "absent" and steps.is_absence_proof(made):',
        after='answer.outcome == "absent":',
        suite="tests/stories/payments/test_refunds.py -k no_proof",
    ),
    Bug(
        name="a refund made in the dashboard is sent once more by us",
        file="payments/services/refund.py",
        before="    is_ours = made.source != Source.PROCESSOR",
        after="    is_ours = bool(made.source)",
        suite="tests/stories/payments/test_observing.py -k never_sent_by_us",
    ),
    Bug(
        name="a refund that is on its way is not counted",
        file="payments/models/payment.py",
        before="self.refunded_amount + self.refund_pending_amount + self.charged_back_amount",
        after="self.refunded_amount + self.charged_back_amount",
        suite="tests/stories/payments/test_refunds.py -k takes_days",
    ),
    Bug(
        name="a refund that the bank returned stays given back",
        file="payments/services/refund_outcome.py",
        before="    steps.book(payment, _row(made, Kind.REFUND_FAILURE, error_code=code), by=by)\n",
        after="",
        suite="tests/stories/payments/test_refunds.py -k weeks_later",
    ),
    Bug(
        name="a view older than our rows is booked",
        file="payments/services/difference.py",
        before="    taken = max(known.captured, min(seen.captured_amount, held))",
        after="    taken = min(seen.captured_amount, held)",
        suite="tests/properties/test_amounts.py",
    ),
    Bug(
        name="our own clock ends a hold",
        file="payments/services/expire.py",
        before="        look_and_observe(payment.pk, by=BY, source=Source.PROCESSOR)",
        after="        Payment.objects.filter(pk=payment.pk).update(state='expired')",
        suite="tests/stories/payments/test_expiry.py -k clock_alone",
    ),
    Bug(
        name="a new hold is asked for beside the old one",
        file="payments/services/reauthorize.py",
        before="        void.claim_on_record(old, by=wish.by, reason=reason, source=wish.source)\n",
        after="        pass\n",
        suite="tests/stories/payments/test_reauthorization.py -k live_hold",
    ),
    Bug(
        name="whoever lost the lease of a claim closes it all the same",
        file="payments/services/steps.py",
        before='    fence = {"lease_token": payment.lease_token} if closes_claim else {}',
        after="    fence: dict[str, Any] = {}",
        suite="tests/stories/test_hard_cases_of_payments.py -k overtaken",
    ),
)

_STOCK: Final = (
    Bug(
        name="a declined card keeps its stock",
        file="orders/checkout/saga.py",
        before='Step("reserved", steps.reserve_stock, compensation=steps.release_stock),',
        after='Step("reserved", steps.reserve_stock),',
        suite="tests/stories/test_refusals.py -k declined_card",
    ),
    Bug(
        name="stock is given back twice",
        file="orders/inventory.py",
        before="SET reserved = stock.reserved - locked.quantity",
        after="SET reserved = stock.reserved - 2 * locked.quantity",
        suite="tests/stories/test_refusals.py -k declined_card",
    ),
    Bug(
        name="stock is taken without looking how much there is",
        file="orders/inventory.py",
        before="WHERE stock.sku = locked.sku AND stock.on_hand - stock.reserved >= locked.quantity",
        after="WHERE stock.sku = locked.sku",
        suite="tests/stories/test_refusals.py -k out_of_stock",
    ),
)

_EVENTS: Final = (
    Bug(
        name="an order is placed and nobody is told",
        file="orders/placement.py",
        before="    outbox.record(checkout.pk, _events(order), client_id=order.client_id)\n",
        after="",
        suite="tests/stories/test_hard_cases_of_events.py -k switchboard",
    ),
    Bug(
        name="the relay marks an event before it is sent",
        file="events/relay.py",
        before="    sent: list[OutboxEvent] = []\n",
        after="    sent: list[OutboxEvent] = []\n    _mark_sent(events)\n",
        suite="tests/stories/test_hard_cases_of_events.py -k broker",
    ),
)

_BOOKS: Final = (
    Bug(
        name="a capture leaves its hold in the books",
        file="payments/postings.py",
        before='"capture": ((RECEIVABLE, 1), (RECEIPTS, -1), *_RELEASE),',
        after='"capture": ((RECEIVABLE, 1), (RECEIPTS, -1)),',
        suite="tests/properties/test_postings.py",
    ),
    Bug(
        name="what the warehouse owes is owed whatever became of the money",
        file="orders/fulfillment/owe.py",
        before="if order.payment.state not in COVERS_SHIPMENT:",
        after="if False:",
        suite="tests/stories/test_hard_cases_of_payments.py tests/stories/test_after_the_commit.py",
    ),
)

_ATTRIBUTION: Final = (
    Bug(
        name="attribution: who refused consent is followed by a click id",
        file="attribution/cleaning.py",
        before="if n in kept and not is_denied}",
        after="if n in kept}",
        suite="tests/stories/test_totals_and_origins.py -k without_consent",
    ),
    Bug(
        name="attribution: somebody else's visits on the same browser lead to the order",
        file="attribution/journeys.py",
        before='(Q(customer_reference="") & browsers)',
        after="browsers",
        suite="tests/stories/test_journeys.py -k somebody_else",
    ),
    Bug(
        name="attribution: a file that was cut short is imported",
        file="foundation/csv_lines.py",
        before="            if self._lines.is_cut:",
        after="            if False:",
        suite="tests/attribution/test_import_conversions.py -k bad_line",
    ),
    Bug(
        name="attribution: what another client counted is held against our orders",
        file="attribution/gap/measuring.py",
        before="ON told.client_id = bought.client_id AND told.transaction_id = bought.number",
        after="ON told.transaction_id = bought.number",
        suite="tests/attribution/test_gap.py -k another_client",
    ),
    Bug(
        name="attribution: test traffic is money",
        file="attribution/gap/measuring.py",
        before="CASE WHEN bought.number IS NULL OR bought.is_test OR bought.amount IS NULL",
        after="CASE WHEN bought.number IS NULL OR bought.amount IS NULL",
        suite="tests/attribution/test_gap.py -k one_outcome",
    ),
    Bug(
        name="attribution: days are counted in UTC, whatever the report's time zone",
        file="attribution/gap/measuring.py",
        before="(orders.placed_at AT TIME ZONE %(zone)s)::date AS day",
        after="(orders.placed_at AT TIME ZONE 'UTC')::date AS day",
        suite="tests/attribution/test_gap.py -k clocks_are_changed",
    ),
    Bug(
        name="attribution: a frozen day changes after all",
        file="attribution/gap/versions.py",
        before="(before.frozen_at or figures_of(before) == sorted(figures))",
        after="figures_of(before) == sorted(figures)",
        suite="tests/attribution/test_gap_versions.py -k frozen_and_stays",
    ),
    Bug(
        name="attribution: who was overtaken while telling analytics writes it down",
        file="attribution/sending.py",
        before="filter(pk=row.pk, attempts=row.attempts, sent_at=None)",
        after="filter(pk=row.pk)",
        suite="tests/attribution/test_purchases_told.py -k overtaken",
    ),
)

BUGS: Final = (
    *_KEYS, *_AUTHORIZATION, *_MONEY, *_STOCK, *_EVENTS, *_BOOKS, *EDGE, *_ATTRIBUTION
)  # fmt: skip

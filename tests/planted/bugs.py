"""The bugs: each one somebody has shipped somewhere, or nearly did here."""

from typing import Final

from tests.planted.bug import Bug

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
        suite="tests/stories/test_hard_cases_of_recovery.py",
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
        before="    outbox.record(checkout.pk, _events(order))\n",
        after="",
        suite="tests/stories/test_hard_cases_of_events.py -k switchboard",
    ),
    Bug(
        name="the relay marks an event before it is sent",
        file="events/relay.py",
        before="    sent: list[uuid.UUID] = []\n",
        after="    sent: list[uuid.UUID] = []\n    _mark_sent([event.pk for event in events])\n",
        suite="tests/stories/test_hard_cases_of_events.py -k broker",
    ),
)

_ACCESS: Final = (
    Bug(
        name="every client sees everything",
        file="foundation/lookup.py",
        before="return rows if principal.sees_all else rows.filter(client_id=principal.client_id)",
        after="return rows",
        suite="tests/contracts/test_access.py -k nothing_of_one_client",
    ),
)

BUGS: Final = (*_KEYS, *_AUTHORIZATION, *_STOCK, *_EVENTS, *_ACCESS)

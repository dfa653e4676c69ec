"""One way to break each rule, in the rows, past every guard of the code and of the database."""

import datetime as dt
from contextlib import contextmanager, nullcontext

from django.apps import apps
from django.db import connection

from foundation import clock
from tests.postgres.guards import lifted

# The constraints that make some rules impossible to break; taken away, the rule must still see it.
GUARDS = {
    "never_more_taken_than_held": [("payments", "never_captured_more_than_authorized")],
    "pending_refunds_are_their_sum": [("payments", "never_refunded_more_than_captured")],
    "ended_keys_have_answers": [("foundation", "an_ended_key_has_its_answer")],
    "stock_is_not_oversold": [("orders", "never_reserved_more_than_on_hand")],
    "orders_add_up": [("orders", "line_adds_up")],
}
LONG_AGO = dt.timedelta(days=3)

_A_REFUND = """
    INSERT INTO payments_refund (id, payment_id, sequence, state, amount, currency, reason,
        source, actor, processor_reference, failure_code, attempt, absences, look_ups,
        last_error, lease_token, asked_at, created_at)
    SELECT gen_random_uuid(), id, 1, '{state}', 1, 'USD', '', 'api', 'x', '', '', 1, 0, 0,
        '', 1, now(), now()
    FROM payments_payment LIMIT 1"""
_AN_EVENT = """
    INSERT INTO payments_processorevent (id, processor, external_id, type, kind, object_id,
        processor_reference, reference, currency, arrival, body, state, outcome, attempts, due_at,
        last_error, happened_at, received_at)
    VALUES (gen_random_uuid(), 'stripe', 'evt_1', 'charge.captured', 'payment', '', '', '', '',
        'webhook', '', '{state}', '', 0, now() - interval '1 day', '', now(), now())"""

BREAKS = {
    "payment_moves_form_a_path": "UPDATE payments_payment SET state = 'authorized'",
    "checkout_moves_form_a_path": """
        UPDATE foundation_transition SET to_state = 'started' WHERE aggregate = 'checkout'""",
    "order_moves_form_a_path": "UPDATE orders_order SET state = 'on_hold'",
    "fulfillment_moves_form_a_path": """
        INSERT INTO foundation_transition
            (aggregate, aggregate_id, from_state, to_state, actor, reason, at)
        SELECT 'fulfillment', id, 'pending', 'delivered', 'system:x', '', now()
        FROM orders_fulfillment""",
    "refund_moves_form_a_path": f"""
        WITH refund AS ({_A_REFUND.format(state="failed")} RETURNING id)
        INSERT INTO foundation_transition
            (aggregate, aggregate_id, from_state, to_state, actor, reason, at)
        SELECT 'refund', id, 'pending', 'succeeded', 'system:x', '', now() FROM refund""",
    "dispute_moves_form_a_path": """
        WITH dispute AS (
            INSERT INTO payments_dispute (id, payment_id, sequence, state, processor_reference,
                processor_status, amount, fee_amount, currency, reason, is_inquiry, opened_at)
            SELECT gen_random_uuid(), id, 1, 'won', 'dp_1', '', 1, 0, 'USD', '', FALSE, now()
            FROM payments_payment LIMIT 1 RETURNING id
        )
        INSERT INTO foundation_transition
            (aggregate, aggregate_id, from_state, to_state, actor, reason, at)
        SELECT 'dispute', id, 'lost', 'open', 'system:x', '', now() FROM dispute""",
    "processor_event_moves_form_a_path": f"""
        WITH event AS ({_AN_EVENT.format(state="processed")} RETURNING id)
        INSERT INTO foundation_transition
            (aggregate, aggregate_id, from_state, to_state, actor, reason, at)
        SELECT 'processor_event', id, 'ignored', 'processed', 'system:x', '', now() FROM event
    """,
    "processor_events_are_worked_on": _AN_EVENT.format(state="received"),
    "payout_moves_form_a_path": """
        WITH payout AS (
            INSERT INTO payments_payout
                (id, processor, processor_reference, state, amount, currency, created_at)
            VALUES (gen_random_uuid(), 'stripe', 'po_1', 'failed', 1, 'USD', now()) RETURNING id
        )
        INSERT INTO foundation_transition
            (aggregate, aggregate_id, from_state, to_state, actor, reason, at)
        SELECT 'payout', id, 'failed', 'paid', 'system:x', '', now() FROM payout""",
    "pending_refunds_are_asked_after": _A_REFUND.format(state="pending"),
    "pending_refunds_are_their_sum": "UPDATE payments_payment SET refund_pending_amount = 1",
    "never_more_taken_than_held": "UPDATE payments_payment SET captured_amount = 9999",
    "never_taken_and_released": "UPDATE payments_payment SET voided_amount = authorized_amount",
    "payment_amounts_are_the_fold": """
        UPDATE payments_paymenttransaction SET amount = amount - 1 WHERE kind = 'capture'""",
    "captures_are_in_the_payments_currency": """
        UPDATE payments_paymenttransaction SET currency = 'EUR' WHERE kind = 'capture'""",
    "ledger_entries_balance": """
        UPDATE payments_ledgerline SET amount = amount + 1 WHERE account = 'bank'
            OR account = 'customer_receipts'""",
    "ledger_has_every_step_once": "DELETE FROM payments_ledgerline WHERE kind = 'capture'",
    "ledger_is_the_fold": "UPDATE payments_payment SET fee_amount = fee_amount + 1",
    "ended_payments_hold_nothing": """
        DELETE FROM payments_ledgerline
        WHERE kind = 'capture' AND account LIKE 'authorizations_%%'""",
    "payouts_are_posted": """
        INSERT INTO payments_payout
            (id, processor, processor_reference, state, amount, currency, created_at)
        VALUES (gen_random_uuid(), 'stripe', 'po_1', 'paid', 5, 'USD', now())""",
    "holds_end": """
        UPDATE payments_ledgerline SET posted_at = posted_at - interval '1 year',
            amount = CASE WHEN kind = 'capture' THEN amount / 2 ELSE amount END""",
    "receivable_is_paid_out": """
        UPDATE payments_ledgerline SET posted_at = posted_at - interval '1 year'""",
    "ledger_guards_stand": "ALTER TABLE foundation_transition DISABLE TRIGGER append_only",
    "payment_state_fits_its_amounts": "UPDATE payments_payment SET state = 'voided'",
    "payment_steps_in_flight_are_leased": """
        UPDATE payments_payment SET state = 'capturing', leased_until = NULL""",
    "holds_do_not_outlive_their_deadline": """
        UPDATE payments_payment SET state = 'authorized', capture_before = %(long_ago)s""",
    "unknown_outcomes_come_to_an_end": """
        WITH aged AS (UPDATE foundation_transition SET at = %(long_ago)s)
        UPDATE payments_payment SET state = 'unknown'""",
    "event_sequences_have_no_gap": """
        WITH unheard AS (DELETE FROM events_feedentry WHERE type = 'payment.captured')
        DELETE FROM events_outboxevent WHERE type = 'payment.captured'""",
    "events_are_told": """
        UPDATE events_outboxevent
        SET state = 'pending', created_at = %(long_ago)s, due_at = %(long_ago)s""",
    "events_belong_to_a_stream": "DELETE FROM events_eventstream",
    "public_events_are_in_the_feed": "DELETE FROM events_feedentry WHERE type = 'order.placed'",
    "webhooks_are_sent": """
        WITH client AS (
            INSERT INTO foundation_apiclient (id, name, created_at)
            VALUES (gen_random_uuid(), 'told', now()) RETURNING id
        ), endpoint AS (
            INSERT INTO events_webhookendpoint (id, client_id, url, description, event_types,
                all_clients, state, disabled_reason, secret, created_at)
            SELECT gen_random_uuid(), id, 'https://a.example', '', '["*"]', FALSE, 'enabled', '',
                '', now() FROM client RETURNING id
        )
        INSERT INTO events_webhookdelivery (id, endpoint_id, event_id, state, due_at, attempts,
            tries, last_error, created_at)
        SELECT gen_random_uuid(), endpoint.id, event.id, 'pending', %(long_ago)s, 0, 0, '', now()
        FROM endpoint, (SELECT id FROM events_outboxevent LIMIT 1) event""",
    "open_keys_are_worked_on": """
        UPDATE foundation_idempotencykey SET state = 'in_progress', completed_at = NULL,
            leased_until = %(long_ago)s""",
    "ended_keys_have_answers": "UPDATE foundation_idempotencykey SET response_body = NULL",
    "one_client_key_per_saga": """
        UPDATE foundation_idempotencykey
        SET subject_id = (SELECT id FROM orders_checkout LIMIT 1)""",
    "staff_moves_are_on_record": "UPDATE foundation_transition SET actor = 'staff:anna'",
    "stock_is_not_oversold": "UPDATE orders_stockitem SET reserved = on_hand + 1",
    "reserved_stock_is_the_sum_of_its_holds": "UPDATE orders_stockitem SET reserved = 1",
    "nothing_ships_twice": "UPDATE orders_fulfillmentline SET quantity = quantity + 1",
    "ended_stories_hold_no_stock": "UPDATE orders_order SET state = 'canceled'",
    "orders_hold_their_stock": "UPDATE orders_reservation SET state = 'released'",
    "unfinished_checkouts_are_carried": """
        UPDATE orders_checkout SET state = 'unknown', ended_at = NULL""",
    "ended_checkouts_are_answered": "UPDATE orders_checkout SET ended_at = NULL",
    "checkouts_end_in_time": """
        UPDATE orders_checkout SET state = 'unknown', ended_at = NULL,
            forward_until = %(long_ago)s""",
    "attention_is_a_case": "UPDATE orders_checkout SET state = 'needs_attention'",
    "order_and_key_commit_together": "UPDATE orders_checkout SET state = 'failed'",
    "a_no_leaves_no_hold": """
        UPDATE orders_checkout SET state = 'failed', ended_at = %(long_ago)s""",
    "every_payment_has_a_checkout": "UPDATE payments_payment SET stream = gen_random_uuid()",
    "orders_add_up": "UPDATE orders_orderline SET net_amount = net_amount - 1",
    "orders_were_held": "UPDATE orders_order SET total_amount = total_amount + 1,"
    " tax_amount = tax_amount + 1",
    "ended_orders_are_square": """
        WITH aged AS (UPDATE foundation_transition SET at = %(long_ago)s)
        UPDATE orders_order SET state = 'canceled'""",
    "order_events_are_told_once": """
        UPDATE events_outboxevent SET type = 'order.stalled' WHERE type = 'order.placed'""",
    "unfinished_orders_are_watched": """
        UPDATE orders_order SET state = 'placed', next_step_at = NULL""",
    "unpaid_orders_are_cases": """
        WITH aged AS (UPDATE foundation_transition SET at = %(long_ago)s)
        UPDATE orders_order SET state = 'payment_required', next_step_at = NULL""",
    "mails_are_sent_or_seen": """
        UPDATE orders_notification SET sent_at = NULL, leased_until = %(long_ago)s""",
    "shipments_add_up": "UPDATE orders_fulfillmentline SET quantity = quantity - 1",
    "paid_orders_are_owed": """
        WITH aged AS (UPDATE foundation_transition SET at = %(long_ago)s)
        UPDATE orders_order SET state = 'placed', next_step_at = now()""",
    "cancellations_are_carried": "UPDATE orders_order SET state = 'canceling'",
    "unsettled_cancellations_are_cases": """
        INSERT INTO orders_cancellation (id, order_id, recovery_point, direction, step_log, state,
            reason, actor, source, payment_action, tries, last_error, started_at)
        SELECT gen_random_uuid(), id, 'claimed', 'forward', '[]', 'needs_attention', 'x', 'x',
            'api', '', 0, '', now() FROM orders_order""",
}  # fmt: skip


def break_rule(name):
    """Do what the rule `name` forbids, to whatever rows there are, append-only ones too."""
    past = nullcontext() if name == "ledger_guards_stand" else lifted()
    with past, connection.cursor() as cursor:
        cursor.execute(BREAKS[name], {"long_ago": clock.now() - LONG_AGO})


@contextmanager
def unguarded(name):
    """The database without the constraints that make the rule impossible to break."""
    guards = [_constraint(*guard) for guard in GUARDS.get(name, ())]
    for model, constraint in guards:
        with connection.schema_editor() as editor:
            editor.remove_constraint(model, constraint)
    try:
        yield
    finally:
        for model, constraint in guards:
            # the tests' own way of emptying tables, the append-only ones too
            connection.ops.execute_sql_flush([f"TRUNCATE {model._meta.db_table} CASCADE"])
            with connection.schema_editor() as editor:
                editor.add_constraint(model, constraint)


def _constraint(app, name):
    for model in apps.get_app_config(app).get_models():
        for constraint in model._meta.constraints:
            if constraint.name == name:
                return model, constraint
    raise LookupError(name)

"""What the books of others are compared with: one row for each checkout, and its order if any.

Reconciliation reads it by name (`RECONCILIATION_STORIES`, with the event routes).
"""

from typing import Final

# `is_live`: somebody is at work on it, or will be by itself.
SQL: Final = """
    SELECT checkout.id AS stream, checkout.state AS checkout_state,
        checkout.state IN ('started', 'authorizing', 'unknown', 'requires_action', 'in_review',
            'compensating', 'needs_attention') AS is_live,
        placed.number AS order_number, placed.state AS order_state, placed.payment_id,
        placed.total_amount, placed.currency, placed.placed_at,
        EXISTS (
            SELECT 1 FROM orders_fulfillment parcel
            WHERE parcel.order_id = placed.id AND parcel.state IN ('shipped', 'delivered')
        ) AS is_shipped
    FROM orders_checkout checkout LEFT JOIN orders_order placed ON placed.checkout_id = checkout.id
"""

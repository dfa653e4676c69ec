"""What each order came to, as SQL: the financial side of reports that live on floors below.

Named in the settings (`FINANCIAL_ORDERS`), so that a report joins it without knowing of orders.
A base is null for an order that does not count in it.
"""

from typing import Final

# One row for each order placed from %(since)s to before %(until)s.
ORDERS: Final = """
    SELECT bought.client_id, 'R' || bought.number AS number, bought.placed_at, bought.currency,
           bought.attribution_id, bought.total_amount, bought.tax_amount, bought.shipping_amount,
           coalesce(nullif(payment.card_brand, ''), 'unknown') AS payment_method,
           coalesce(bought.metadata ->> 'test' = 'true', false) AS is_test,
           bought.state IN ('canceling', 'canceled')
               OR payment.refunded_amount + payment.charged_back_amount > 0 AS is_given_back,
           CASE WHEN bought.state NOT IN ('canceling', 'canceled')
               THEN bought.total_amount END AS placed,
           nullif(payment.captured_amount, 0) AS captured,
           nullif(greatest(payment.captured_amount - payment.refunded_amount
               - payment.charged_back_amount, 0), 0) AS net_of_refunds
    FROM orders_order bought JOIN payments_payment payment ON payment.id = bought.payment_id
    WHERE bought.placed_at >= %(since)s AND bought.placed_at < %(until)s
"""

# One row for each refund that the processor made from %(since)s to before %(until)s.
REFUNDS: Final = """
    SELECT bought.client_id, 'R' || bought.number AS number, refund.id AS refund_id,
           refund.amount, refund.currency, refund.ended_at AS given_at
    FROM payments_refund refund JOIN orders_order bought ON bought.payment_id = refund.payment_id
    WHERE refund.state = 'succeeded'
      AND refund.ended_at >= %(since)s AND refund.ended_at < %(until)s
"""

"""What a defect or a bad restore leaves in the shop's own rows: done with SQL, past its rules."""

from typing import Any
from uuid import UUID

from checkout_project.demo import servers
from foundation.ids import new_id, parse

# The hold is there and known; what wanted it ended as if there was none.
_FORGET_HOLD = """
    UPDATE payments_payment SET state = 'authorized', authorized_amount = amount,
        processor_reference = %(intent)s, leased_until = NULL, resolve_at = NULL WHERE id = %(id)s
"""
_END_CHECKOUT = "UPDATE orders_checkout SET state = 'failed' WHERE payment_id = %(id)s"
_UNPAY = "UPDATE payments_payment SET state = 'declined', authorized_amount = 0 WHERE id = %(id)s"
_EXPIRE = "UPDATE payments_payment SET state = 'expired' WHERE id = %(id)s"
# A second payment of the same order, with all its steps.
_DOUBLE = """
    INSERT INTO payments_payment SELECT (jsonb_populate_record(payment, jsonb_build_object(
        'id', %(twin)s::text, 'processor_reference', %(intent)s::text, 'claimed_id', NULL))).*
    FROM payments_payment payment WHERE id = %(id)s
"""
_DOUBLE_STEPS = """
    INSERT INTO payments_paymenttransaction SELECT (jsonb_populate_record(step, jsonb_build_object(
        'id', gen_random_uuid(), 'payment_id', %(twin)s::text))).*
    FROM payments_paymenttransaction step WHERE payment_id = %(id)s
"""
_INTENT = "SELECT processor_reference FROM payments_payment WHERE id = %(id)s"
_UNHEARD = """
    SELECT count(*) FROM payments_payment payment WHERE captured_amount > 0 AND NOT EXISTS (
        SELECT 1 FROM payments_paymenttransaction step
        WHERE step.payment_id = payment.id AND step.kind = 'fee')
"""


class OurRows:
    """The shop's database, for whoever may do anything there."""

    def __init__(self, url: str) -> None:
        self._url = url

    def intent(self, payment: str) -> str:
        """The processor's id of a payment."""
        return str(self._ask(_INTENT, payment))

    def hears_all_fees(self) -> bool:
        """Whether the processor's fee of every captured payment has become known."""
        with servers.connect(self._url) as line:
            found = line.execute(_UNHEARD).fetchone()
        return found == (0,)

    def forget_hold(self, payment: str, intent: str) -> None:
        """The checkout is over, the hold is not: nobody will ever release it."""
        self._do((_FORGET_HOLD, _END_CHECKOUT), payment, intent=intent)

    def unpay(self, payment: str) -> None:
        """An order stands, and its payment was never authorized."""
        self._do((_UNPAY,), payment)

    def expire(self, payment: str) -> None:
        """The hold ran out, as it did at the processor."""
        self._do((_EXPIRE,), payment)

    def double(self, payment: str, intent: str) -> None:
        """The order was paid for once more, by this charge."""
        self._do((_DOUBLE, _DOUBLE_STEPS), payment, intent=intent, twin=str(new_id()))

    def _do(self, statements: tuple[str, ...], payment: str, **given: Any) -> None:
        with servers.connect(self._url) as line, line.transaction():
            for statement in statements:
                line.execute(statement, {"id": _uuid(payment), **given})

    def _ask(self, statement: str, payment: str) -> Any:
        with servers.connect(self._url) as line:
            found = line.execute(statement, {"id": _uuid(payment)}).fetchone()
        return found[0] if found else None


def _uuid(payment: str) -> UUID:
    found = parse("pay", payment)
    if found is None:
        raise LookupError(payment)
    return found

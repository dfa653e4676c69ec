"""G-2: payments and what hangs on them moved only as their tables allow."""

from typing import ClassVar

from foundation.invariants import MovesFormAPath, register
from payments.models import Dispute, Payment, Payout, ProcessorEvent, Refund
from payments.states import DISPUTE, PAYMENT, PAYOUT, PROCESSOR_EVENT, REFUND


@register
class PaymentMovesFormAPath(MovesFormAPath):
    """G-2 for payments."""

    name = "payment_moves_form_a_path"
    rule = "A payment's moves are legal, follow one another, and end where it stands."
    table: ClassVar = PAYMENT
    db_table: ClassVar = Payment._meta.db_table  # noqa: SLF001 - Django's public meta API


@register
class RefundMovesFormAPath(MovesFormAPath):
    """G-2 for refunds."""

    name = "refund_moves_form_a_path"
    rule = "A refund's moves are legal, follow one another, and end where it stands."
    table: ClassVar = REFUND
    db_table: ClassVar = Refund._meta.db_table  # noqa: SLF001 - as above


@register
class DisputeMovesFormAPath(MovesFormAPath):
    """G-2 for disputes."""

    name = "dispute_moves_form_a_path"
    rule = "A dispute's moves are legal, follow one another, and end where it stands."
    table: ClassVar = DISPUTE
    db_table: ClassVar = Dispute._meta.db_table  # noqa: SLF001 - as above


@register
class ProcessorEventMovesFormAPath(MovesFormAPath):
    """G-2 for what the processor tells us."""

    name = "processor_event_moves_form_a_path"
    rule = "A processor event's moves are legal, follow one another, and end where it stands."
    table: ClassVar = PROCESSOR_EVENT
    db_table: ClassVar = ProcessorEvent._meta.db_table  # noqa: SLF001 - as above


@register
class PayoutMovesFormAPath(MovesFormAPath):
    """G-2 for payouts."""

    name = "payout_moves_form_a_path"
    rule = "A payout's moves are legal, follow one another, and end where it stands."
    table: ClassVar = PAYOUT
    db_table: ClassVar = Payout._meta.db_table  # noqa: SLF001 - as above

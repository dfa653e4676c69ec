"""Captures, voids and refunds that a client asks for: one key, one effect (foundation/actions.py).

T1 claims the key and the payment together, and the claim carries the id that the transaction or
refund will have. So whoever finishes it, this request, a repeat or the sweep, finds in the rows
what was wished for, and what became of it.
"""

from foundation import actions
from payments.actions.captures import CAPTURE, ask_capture
from payments.actions.performing import Caller
from payments.actions.refunds import REFUND, ask_refund
from payments.actions.voids import VOID, ask_void

__all__ = ["Caller", "ask_capture", "ask_refund", "ask_void", "recover"]

_SWEPT = {verb.kind: verb.as_swept() for verb in (CAPTURE, VOID, REFUND)}


def recover(*, limit: int) -> int:
    """Finish what clients asked for and whose runner is gone; returns how many it took."""
    return actions.recover(_SWEPT, limit=limit)

"""The story of undoing an order, on one screen.

`claimed` is the pivot: it may refuse, and after it we only go forward, because money that was
given back can not be taken again. So no step has an undoing. `released` is the only one that
calls out; what it does not hear of is waited for. The engine is foundation/saga.py.
"""

from typing import Final

from foundation.saga import CallsOut, Saga, Step
from orders.cancellation import endings, steps
from orders.models import Cancellation

CANCELLATION: Final[Saga[Cancellation]] = Saga(
    steps=(
        Step("claimed", steps.claim_order),
        Step("stopped", steps.stop_fulfillment),
        Step("released", CallsOut(steps.intend_release, steps.record_release)),
        Step("returned", steps.return_stock),
        Step("canceled", steps.close_order),
    ),
    remember=endings.remember,
    at_end=endings.answer_the_request,
    at_pause=endings.answer_for_now,
)

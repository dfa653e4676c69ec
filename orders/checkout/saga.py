"""The story of buying, on one screen.

Read it top to bottom: each step's undoing stands beside it. `authorized` is the only step
that calls out, and `placed` is the pivot: after it we only go forward. The engine that walks
this list, commits between calls and turns around on a refusal is foundation/saga.py.
"""

from typing import Final

from foundation.saga import CallsOut, Saga, Step
from orders.checkout import endings, steps
from orders.models import Checkout

CHECKOUT: Final[Saga[Checkout]] = Saga(
    steps=(
        Step("screened", steps.screen_for_fraud),
        Step("taxed", steps.calculate_totals),
        Step("reserved", steps.reserve_stock, compensation=steps.release_stock),
        Step(
            "authorized",
            CallsOut(steps.intend_authorization, steps.record_authorization),
            compensation=CallsOut(steps.intend_void, steps.record_void),
        ),
        Step("placed", steps.place_order),
    ),
    remember=endings.remember,
    at_end=endings.answer_the_request,
    at_pause=endings.answer_for_now,
)

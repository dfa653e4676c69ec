"""The story of buying, on one screen.

Read it top to bottom: each step's undoing stands beside it. `authorized` calls out, `screened`
and `taxed` do if their provider does, and `placed` is the pivot: after it we only go forward.
The engine that walks this list, commits between calls and turns around on a refusal is
foundation/saga.py.
"""

from typing import Final

from foundation.saga import CallsOut, Saga, Step
from orders.checkout import endings, questions, steps
from orders.models import Checkout

CHECKOUT: Final[Saga[Checkout]] = Saga(
    steps=(
        Step("screened", CallsOut(questions.intend_screening, questions.record_screening)),
        Step("taxed", CallsOut(questions.intend_totals, questions.record_totals)),
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

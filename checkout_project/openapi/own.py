"""What the wiring itself answers below /v1/, in the document of the API."""

from typing import Final

from checkout_project.openapi.views import OpenApiDocument
from checkout_project.problem_pages import OneProblem, Problems
from foundation.edge.contract import (
    Answer,
    Operation,
    Operations,
    boolean,
    choice,
    integer,
    items,
    named,
    record,
    text,
)

_PROBLEM: Final = named(
    "ProblemExplained",
    record(
        type=text("https://checkout.example/v1/problems/payment_declined", format="uri"),
        code=text("payment_declined"),
        title=text("The payment was declined"),
        status=integer(402),
        meaning=text("The card's answer is no; another card may be tried with a new key."),
        what_to_do=text("Change what was refused, and send it with a new key."),
        retryable=boolean(example=True),
        retry_with=choice("new_key", "same_key", "none"),
    ),
)

OPERATIONS: Final[Operations] = {
    (Problems, "GET"): Operation(
        "list_problems",
        "List every refusal",
        {200: Answer("By code.", items(_PROBLEM))},
    ),
    (OneProblem, "GET"): Operation(
        "get_problem",
        "Read what a refusal means",
        {200: Answer("What it means, and what to do.", _PROBLEM)},
        reads_one=True,
    ),
    (OpenApiDocument, "GET"): Operation(
        "get_openapi",
        "Read this document",
        {200: Answer("OpenAPI 3.1.", {"type": "object", "example": {"openapi": "3.1.0"}})},
        reads_one=True,
    ),
}

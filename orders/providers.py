"""Who judges fraud and who says the tax: the house itself, unless a setting names somebody else.

A provider that calls out is asked with no transaction open, for at most so many seconds. What
it raises, and an answer that does not add up, is silence: and what silence means is decided
here in the house (fraud: a person reviews it; tax: nothing is sold until it is known).
"""

import logging
from collections.abc import Callable
from functools import cache
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.utils.module_loading import import_string

from foundation.transactions import refuse_inside_transaction
from orders.fraud import Assessment, Attempt
from orders.tax import Sale, TaxQuote

T = TypeVar("T")
_log = logging.getLogger(__name__)


class FraudProvider(Protocol):
    """Judges one attempt. `calls_out`: it talks to somebody, within `seconds`."""

    calls_out: bool

    def screen(self, attempt: Attempt, *, seconds: float) -> Assessment: ...


class TaxProvider(Protocol):
    """Says what tax a sale takes. `calls_out`: it talks to somebody, within `seconds`."""

    calls_out: bool

    def quote(self, sale: Sale, *, seconds: float) -> TaxQuote: ...


def fraud() -> FraudProvider:
    """As the setting FRAUD_PROVIDER names it."""
    provider: FraudProvider = _made(settings.FRAUD_PROVIDER)
    return provider


def tax() -> TaxProvider:
    """As the setting TAX_PROVIDER names it."""
    provider: TaxProvider = _made(settings.TAX_PROVIDER)
    return provider


@cache
def _made(path: str) -> Any:
    return import_string(path)()


def ask(question: Callable[[], T]) -> T | None:
    """The answer of a provider that calls out, or None when there is none to be had."""
    refuse_inside_transaction()
    try:
        return question()
    except Exception as error:  # noqa: BLE001 - whatever a third party does, it is silence
        _log.warning("a provider did not answer: %s: %s", type(error).__name__, error)
        return None

"""The two questions a checkout may have for others: is it fraud, and what tax does it take.

At home both are answered inside the engine's transaction. A provider that calls out makes
each a step that calls out, like the authorization; both only ask, so a crash asks again.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from django.conf import settings

from foundation.errors import InvalidInput
from foundation.money import Money
from foundation.saga import Pause
from orders import providers, tax, totals
from orders.fraud import Assessment, Attempt, Reason
from orders.models import Checkout
from orders.refusals import NoLongerSold, PriceChanged, RiskDeclined
from orders.tax import TaxQuote

_SILENT: Final = Assessment.of(
    (Reason("provider_silent", "review", "The fraud provider did not answer."),)
)


def intend_screening(checkout: Checkout) -> Callable[[], Assessment | None] | None:
    """Judge the attempt at home, or return the question for somebody else."""
    if checkout.risk_outcome:
        return None
    provider = providers.fraud()
    question = partial(provider.screen, _attempt(checkout), seconds=settings.FRAUD_SECONDS)
    if not provider.calls_out:
        record_screening(checkout, question())
        return None
    _refuse_what_is_not_sold(checkout)
    return partial(providers.ask, question)


def _refuse_what_is_not_sold(checkout: Checkout) -> None:
    """Now, before anything is stored: a question to others splits the first transaction."""
    sale, provider = totals.sale(checkout), providers.tax()
    if not provider.calls_out:
        provider.quote(sale, seconds=settings.TAX_SECONDS)


def record_screening(checkout: Checkout, assessment: Assessment | None) -> None:
    """Reject ends it; review holds it before the order is placed, and so does silence."""
    assessment = assessment or _SILENT
    checkout.risk = assessment.as_json()
    checkout.risk_outcome = assessment.outcome
    if assessment.outcome == "reject":
        raise RiskDeclined("The checkout was declined by risk rules.", charge_state="not_charged")


def _attempt(checkout: Checkout) -> Attempt:
    billing = checkout.billing_address or {}
    return Attempt(
        client_id=checkout.client_id,
        customer_reference=checkout.customer_reference,
        email=checkout.email,
        ip=checkout.ip,
        payment_method=checkout.payment_method,
        total=Money(totals.listed(checkout.lines), checkout.currency),
        billing_country=billing.get("country"),
        shipping_country=checkout.shipping_address["country"],
        started_at=checkout.started_at,
    )


def intend_totals(checkout: Checkout) -> Callable[[], TaxQuote | None] | None:
    """Tax the sale at home, or return the question for somebody else."""
    provider = providers.tax()
    if provider.calls_out and totals.is_frozen(checkout):
        return None
    try:
        question = partial(provider.quote, totals.sale(checkout), seconds=settings.TAX_SECONDS)
        if provider.calls_out:
            return partial(providers.ask, question)
        quote = question()
    except InvalidInput as error:
        if checkout._state.adding:  # noqa: SLF001 - Django's documented flag: nothing is stored
            raise
        raise NoLongerSold(error.detail, charge_state="not_charged") from error
    _freeze(checkout, quote)
    return None


def record_totals(checkout: Checkout, quote: TaxQuote | None) -> None:
    """Freeze what somebody else quoted. Silence, or a quote that does not add up, sells nothing.

    Nothing is held then, and the same key asks again.
    """
    if quote is None or not tax.adds_up(quote, totals.sale(checkout)):
        raise Pause("started", seconds=0)
    _freeze(checkout, quote)


def _freeze(checkout: Checkout, quote: TaxQuote) -> None:
    """Before any hold; a total that the shopper did not see ends it."""
    totals.freeze(checkout, quote)
    total = Money(checkout.total_amount, checkout.currency)
    if checkout.expected_total is not None and checkout.expected_total != total.as_json():
        raise PriceChanged(
            f"The total is {total}.", total=total.as_json(), charge_state="not_charged"
        )

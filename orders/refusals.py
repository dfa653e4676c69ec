"""Every no of the shop. Those that end a checkout are `Refused`: stored with the key, replayed."""

from typing import Any, Final

from foundation.errors import DomainError
from foundation.saga import Refused


class OutOfStock(Refused):
    """Somebody else was faster, or there never was enough."""

    code, status, title = "out_of_stock", 409, "Not enough in stock"
    retryable, retry_with = True, "new_key"


class PriceChanged(Refused):
    """The total is not what the client showed the shopper; nothing was charged."""

    code, status, title = "price_changed", 409, "The total has changed"
    retryable, retry_with = True, "new_key"


class RiskDeclined(Refused):
    """Refused by risk rules. Which ones is for staff to see, not for the caller."""

    code, status, title = "risk_declined", 422, "This checkout can not be accepted"


class NoLongerSold(Refused):
    """Rates changed between the question and the answer; it was sold there when it was asked."""

    code, status, title = "no_longer_sold", 409, "This is not sold or shipped there any more"
    retryable, retry_with = True, "new_key"


class PaymentDeclined(Refused):
    """The card's answer is no; another card may be tried with a new key."""

    code, status, title = "payment_declined", 402, "The payment was declined"
    retryable, retry_with = True, "new_key"


class CheckoutExpired(Refused):
    """Not finished within its time; everything was undone."""

    code, status, title = "checkout_expired", 409, "The checkout was not finished in time"
    retryable, retry_with = True, "new_key"


class CartTaken(Exception):
    """Another attempt holds this cart; whether it is at work or ordered, its row says."""


class CheckoutCanceled(Refused):
    """The client gave it up; everything was undone."""

    code, status, title = "checkout_canceled", 409, "The checkout was canceled"
    retryable, retry_with = True, "new_key"


class CheckoutInProgress(DomainError):
    """Another key is at work on the same cart. Not stored: the same key may ask again."""

    code, status, title = "checkout_in_progress", 409, "This cart is being checked out already"
    retryable, retry_with = True, "same_key"


class CartAlreadyOrdered(DomainError):
    """The cart is an order already."""

    code, status, title = "cart_already_ordered", 409, "This cart was ordered already"


class CheckoutCompleted(DomainError):
    """It is an order already: what is to be undone is the order."""

    code, status, title = "checkout_completed", 409, "This checkout is an order already"


class OrderNotCancelable(DomainError):
    """Too late, or done already; `reason` says which: shipped, disputed, canceled."""

    code, status, title = "order_not_cancelable", 409, "This order can not be canceled"


class CancellationInProgress(DomainError):
    """Somebody else asked for it, and it is not through yet."""

    code, status, title = "cancellation_in_progress", 409, "This order is being canceled already"


class PaymentInCheckout(DomainError):
    """A checkout asked for this hold, and is not at its end: the checkout decides about it."""

    code, status, title = "payment_in_checkout", 409, "A checkout is at work on this payment"
    retryable, retry_with = True, "same_key"


class OrderCanceling(DomainError):
    """The order is being undone: nobody else moves its money meanwhile."""

    code, status, title = "order_canceling", 409, "The order of this payment is being canceled"


class ShippedGoodsUnpaid(DomainError):
    """Releasing the hold would leave goods unpaid that are gone; `unpaid` says how much."""

    code, status, title = "shipped_goods_unpaid", 409, "Shipped goods are not paid yet"


class OrderNotFulfillable(DomainError):
    """Nothing of this order may be shipped now: canceled, waiting for money, or all gone."""

    code, status, title = "order_not_fulfillable", 409, "Nothing of this order can be shipped now"


class OrderNotCompletable(DomainError):
    """It can not end with what was shipped: nothing was, or that is not paid, or it is over."""

    code, status, title = "order_not_completable", 409, "This order can not be completed as it is"


class FulfillmentNotCovered(DomainError):
    """No live hold and no capture pays for it; `reason`: not_covered or single_capture."""

    code, status, title = "fulfillment_not_covered", 409, "The money for this shipment is not there"


class FulfillmentStateConflict(DomainError):
    """The shipment is not in a state from which this change is possible."""

    code, status, title = (
        "fulfillment_state_conflict",
        409,
        "This shipment can not be changed like that now",
    )


class QuantityNotOwed(DomainError):
    """More than is left to be shipped; `errors` says of what."""

    code, status, title = "quantity_not_owed", 409, "Not so much is left to be shipped"


class StockBelowReserved(DomainError):
    """What is promised to somebody can not be taken off the shelf."""

    code, status, title = "stock_below_reserved", 409, "Fewer would be left than are reserved"


class TaxDown(DomainError):
    """Nobody says what tax it takes; nothing is held. The same key resumes."""

    code, status, title = "tax_unavailable", 503, "The tax of this sale can not be determined now"
    retryable, retry_with = True, "same_key"


_REFUSALS: Final[dict[str, type[Refused]]] = {
    refusal.code: refusal
    for refusal in (
        OutOfStock,
        PriceChanged,
        RiskDeclined,
        NoLongerSold,
        PaymentDeclined,
        CheckoutExpired,
        CheckoutCanceled,
    )
}


def from_memory(refusal: dict[str, Any]) -> Refused:
    """The refusal a checkout remembers, as the error it was."""
    kind = _REFUSALS[refusal["code"]]
    return kind(refusal["detail"], errors=refusal["errors"], **refusal["extra"])


class MailStillWaiting(DomainError):
    """Its last version was not sent yet, and whoever sends it again would send it twice."""

    code, status, title = "mail_still_waiting", 409, "This e-mail is still being sent"


class MailSentOften(DomainError):
    """Whoever did not get so many of them needs another way, and is not to be flooded."""

    code, status, title = "mail_sent_often", 409, "This e-mail was sent often enough"


class MailObsolete(DomainError):
    """What it says is not so any more."""

    code, status, title = "mail_obsolete", 409, "This e-mail is not true any more"

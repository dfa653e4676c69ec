"""How long a hold lasts when the processor does not say: the shortest that its network grants.

The processor's own `capture_before` always comes first; networks and issuers change their rules.
Source: https://docs.stripe.com/payments/place-a-hold-on-a-payment-method (card not present).
Whether the customer or we began the payment is decided by signals of the network, not by our flag,
so the shorter of the two windows counts.
"""

import datetime as dt
from typing import Final

_SHORTEST: Final = dt.timedelta(days=4, hours=18)  # Visa, begun by the merchant

_WINDOWS: Final = {
    "visa": _SHORTEST,
    "mastercard": dt.timedelta(days=7),
    "amex": dt.timedelta(days=7),
    "discover": dt.timedelta(days=7),
    "cashapp": dt.timedelta(days=7),
    "paypal": dt.timedelta(days=10),
    "afterpay_clearpay": dt.timedelta(days=13),
    "klarna": dt.timedelta(days=27),  # until midnight of day 28
    "affirm": dt.timedelta(days=30),
}


def window(network: str) -> dt.timedelta:
    """The time to capture a hold on `network` (a card's network or brand, or a method's name)."""
    return _WINDOWS.get(network.lower(), _SHORTEST)

"""What the load sends: a new purchase each time, as a newcomer's or a returning customer's."""

import itertools
import random
import secrets

import orjson

_numbers = itertools.count(1)
RUN = secrets.token_hex(4)  # so that no key of one run is one of another


def purchase(mark: str, *, sku: str, customer: int) -> dict[str, object]:
    """The body of one checkout; `mark` is what makes it a new one."""
    return {
        "cart_id": f"cart_{mark}",
        "customer": {"reference": f"cus_{customer}", "email": f"shopper{customer}@example.com"},
        "currency": "USD",
        "lines": [{"sku": sku, "quantity": 2}],
        "shipping_method": "standard",
        "shipping_address": {
            "line1": "1 Main St",
            "city": "Portland",
            "region": "OR",
            "postal_code": "97201",
            "country": "US",
        },
        "billing_address": None,
        "payment_method": f"pm_card_visa__{mark}",
        "attribution": {"utm_source": "newsletter", "client_id": "123.456", "consent": True},
        "metadata": {"channel": "web"},
    }


def idempotency_key(mark: str) -> str:
    """The key of the purchase with this mark."""
    return f"benchmark-key-{mark}"


def post(body: dict[str, object], *, key: str, bearer: str) -> bytes:
    """One request, ready to be written to a socket."""
    raw = orjson.dumps(body)
    head = (
        "POST /v1/checkouts HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {bearer}\r\nIdempotency-Key: {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


class Shoppers:
    """Random customers with random products, each purchase under its own key."""

    def __init__(self, *, bearer: str, skus: int, customers: int) -> None:
        self._bearer = bearer
        self._skus = skus
        self._customers = customers
        self._random = random.Random(7)  # the same shoppers in every run

    def __call__(self) -> bytes:
        """The next request."""
        mark = f"{RUN}x{next(_numbers)}"
        sku = f"BENCH-{self._random.randint(1, self._skus)}"
        body = purchase(mark, sku=sku, customer=self._random.randint(1, self._customers))
        return post(body, key=idempotency_key(mark), bearer=self._bearer)

"""A simulator of browsers: some refuse, block, refresh or tell nonsense; what it did is known.

Seeded, so that the same shoppers come again. What was injected is counted as it is done, cause by
cause, and the measured gap is held against it.
"""

import random
from collections import Counter
from dataclasses import dataclass

from attribution.models import Conversion, ConversionBatch
from foundation import clock
from tests.attribution.orders import orders


@dataclass(frozen=True)
class Rates:
    """How often each thing happens to a purchase, from 0 to 1; independent of each other."""

    refuses_consent: float = 0.0
    has_no_client_id: float = 0.0
    blocks_ads: float = 0.0
    loses_the_redirect: float = 0.0
    refreshes: float = 0.0
    tells_another_value: float = 0.0
    is_a_test: float = 0.0
    is_a_ghost: float = 0.0  # a conversion of an order that never was, for each order


class Simulation:
    """Shoppers with such browsers buy; what analytics counts of it is stored."""

    def __init__(self, client, rates, *, count, seed):
        self.client, self.rates, self.random = client, rates, random.Random(seed)
        self.injected = Counter()
        self.conversions = []
        self.batch = ConversionBatch.objects.create(client_id=client.pk, rows=0)
        shoppers = [self._shopper() for _ in range(count)]
        bought = orders(client, [facts for facts, _ in shoppers])
        for order, (_, happens) in zip(bought, shoppers, strict=True):
            self._watch(order, happens)
        Conversion.objects.bulk_create(self.conversions)

    def _shopper(self):
        happens = {name: self.random.random() < rate for name, rate in vars(self.rates).items()}
        facts = {"total": self.random.randrange(100, 100_000)}
        if happens["refuses_consent"]:
            facts |= {"consent": "denied", "client_id": ""}
        elif happens["has_no_client_id"]:
            facts |= {"client_id": ""}
        if happens["is_a_test"]:
            facts |= {"metadata": {"test": "true"}}
        return facts, happens

    def _watch(self, order, happens):
        """What analytics makes of one purchase; a browser that names nobody sends nothing."""
        if happens["is_a_ghost"]:
            self._count("GHOST", 500, order, "extra unknown")
        if happens["is_a_test"]:
            self._count(order.public_number, order.total_amount, order, "extra test_traffic")
        elif cause := self._why_not_seen(happens):
            self.injected[f"missing {cause}"] += 1
        else:
            self._see(order, happens)

    def _why_not_seen(self, happens):
        if happens["refuses_consent"]:
            return "consent_denied"
        if happens["has_no_client_id"]:
            return "no_client_id"
        return "unknown" if happens["blocks_ads"] or happens["loses_the_redirect"] else ""

    def _see(self, order, happens):
        differs = happens["tells_another_value"]
        value = order.total_amount + 1 if differs else order.total_amount
        number = order.public_number
        self._count(number, value, order, "matched value_differs" if differs else "matched ")
        if happens["refreshes"]:
            self._count(number, value, order, "duplicate ")

    def _count(self, number, amount, order, injected):
        if number == "GHOST":
            number = f"GHOST-{len(self.conversions)}"
        self.injected[injected] += 1
        self.conversions.append(
            Conversion(
                client_id=self.client.pk, batch=self.batch, transaction_id=number, amount=amount,
                currency="USD", occurred_at=clock.now(),
            )
        )  # fmt: skip

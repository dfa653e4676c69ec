"""Tax rates, shipping rates and the block list, as one snapshot kept in the process.

Reading them from the database would cost three statements in every checkout, for rows that change
a few times a year. So each process keeps them and reads them again after
`settings.RATE_TABLES_SECONDS` (0: every time). The price of it: a change, a new block entry too,
is seen by every process after at most that many seconds. Block entries that end do so on time.
"""

import ipaddress
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from foundation import clock
from orders.models.risk import BlockListEntry
from orders.models.shipping import ShippingRate
from orders.models.tax import TaxRate

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Rate:
    """One tax rate, as a checkout needs it."""

    jurisdiction: str
    rate_ppm: int
    inclusive: bool


@dataclass(frozen=True, slots=True)
class ShippingPrice:
    """What one shipping method costs somewhere."""

    amount: int
    tax_code: str
    title: str


@dataclass(frozen=True, slots=True)
class Block:
    """Why a value is blocked, and until when."""

    reason: str
    expires_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it has not ended by then."""
        return self.expires_at is None or at < self.expires_at


@dataclass(frozen=True, slots=True)
class RateTables:
    """The snapshot. Its keys are as the tables' unique constraints have them."""

    tax: Mapping[tuple[str, str, str], Rate] = field(default_factory=dict)
    shipping: Mapping[tuple[str, str, str], ShippingPrice] = field(default_factory=dict)
    blocks: Mapping[tuple[str, str], Block] = field(default_factory=dict)
    blocked_networks: tuple[tuple[Network, Block], ...] = ()
    loaded_at: datetime | None = None

    def block(self, kind: str, value: str, *, at: datetime) -> Block | None:
        """The entry that blocks this value at that time, if there is one."""
        entry = self.blocks.get((kind, value))
        return entry if entry is not None and entry.holds(at) else None

    def network_block(self, ip: str, *, at: datetime) -> Block | None:
        """The entry whose address or network holds this address at that time."""
        if not self.blocked_networks:
            return None
        address = ipaddress.ip_address(ip)
        holding = (entry for network, entry in self.blocked_networks if address in network)
        return next((entry for entry in holding if entry.holds(at)), None)


_lock = threading.Lock()
_snapshot: RateTables | None = None


def current() -> RateTables:
    """The tables, at most `settings.RATE_TABLES_SECONDS` old."""
    global _snapshot  # noqa: PLW0603 - the one thing this module keeps
    snapshot = _snapshot
    if snapshot is not None and _is_fresh(snapshot):
        return snapshot
    with _lock:
        if _snapshot is None or not _is_fresh(_snapshot):
            _snapshot = load()
        return _snapshot


def forget() -> None:
    """Read the tables again at the next use: after an import, and between tests."""
    global _snapshot  # noqa: PLW0603 - see above
    with _lock:
        _snapshot = None


def load() -> RateTables:
    """Read the tables now: three statements."""
    entries = list(BlockListEntry.objects.all())
    return RateTables(
        tax={
            (row.country, row.region, row.tax_code): Rate(
                row.jurisdiction, row.rate_ppm, row.inclusive
            )
            for row in TaxRate.objects.all()
        },
        shipping={
            (row.method, row.country, row.currency): ShippingPrice(
                row.amount, row.tax_code, row.title
            )
            for row in ShippingRate.objects.all()
        },
        blocks={(row.kind, row.value): Block(row.reason, row.expires_at) for row in entries},
        blocked_networks=tuple(_networks(entries)),
        loaded_at=clock.now(),
    )


def _is_fresh(snapshot: RateTables) -> bool:
    if snapshot.loaded_at is None:
        return False
    age = (clock.now() - snapshot.loaded_at).total_seconds()
    limit: float = settings.RATE_TABLES_SECONDS
    return 0 <= age < limit


def _networks(entries: list[BlockListEntry]) -> Iterator[tuple[Network, Block]]:
    for row in entries:
        if row.kind == BlockListEntry.Kind.IP:
            try:
                network = ipaddress.ip_network(row.value.strip(), strict=False)
            except ValueError:  # a typing error of staff must not stop every checkout
                continue
            yield network, Block(row.reason, row.expires_at)

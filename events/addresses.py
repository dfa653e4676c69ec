"""Which addresses an event may be sent to: those that anybody on the internet could reach.

A client chooses the address and we send from inside our network, so a name that leads to a
private address would make us its hand there (SSRF). `is_global` alone is not leaned on: what it
says of some ranges differs between releases of Python.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# IANA's special-purpose registries, and ranges that lead to IPv4 addresses inside IPv6 ones; and
# an address that is public by its number and, in Azure, is the host of the machine that asks.
_REFUSED: Final[tuple[Network, ...]] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "168.63.129.16/32", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24",
        "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7",
        "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip


class UrlRefused(ValueError):
    """Nothing may be sent to such an address; the text says why, for its owner."""


def checked_url(text: str, *, http_allowed: bool, ports: Sequence[int]) -> SplitResult:
    """The address in its parts. Raises `UrlRefused`. No ports: any port is allowed."""
    try:
        url = urlsplit(text)
        port, host = url.port, url.hostname or ""
        host.encode("idna")
    except ValueError as error:
        raise UrlRefused("This is not an address that can be read.") from error
    _refuse_odd(text, url, host)
    if url.scheme != "https" and not (http_allowed and url.scheme == "http"):
        raise UrlRefused("An https:// address is expected.")
    port = port or (443 if url.scheme == "https" else 80)
    if ports and port not in ports:
        raise UrlRefused(f"Port {port} is not one that events are sent to.")
    return url


def _refuse_odd(text: str, url: SplitResult, host: str) -> None:
    if not host or "%" in host:
        raise UrlRefused("The address names no host.")
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise UrlRefused("The address has characters that have to be encoded.")
    if url.username is not None or url.password is not None:
        raise UrlRefused("The address must not hold a user name or a password.")
    if url.fragment:
        raise UrlRefused("The address must not have a fragment.")


def literal(host: str) -> Address | None:
    """The address that a host name spells out, or None when it is a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def refuse_unless_public(address: Address, *, allowed: Iterable[str]) -> None:
    """Raises `UrlRefused` for an address that is not everybody's, unless a network allows it."""
    if any(_within(address, ipaddress.ip_network(network)) for network in allowed):
        return
    is_scoped = isinstance(address, ipaddress.IPv6Address) and address.scope_id is not None
    if (
        is_scoped
        or not address.is_global
        or address.is_multicast
        or any(_within(address, network) for network in _REFUSED)
    ):
        # Not which: what our resolver makes of a name inside is nobody's business outside.
        raise UrlRefused("This does not lead to an address on the public internet.")


def _within(address: Address, network: Network) -> bool:
    return address.version == network.version and address in network

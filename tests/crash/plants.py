"""Bugs planted on purpose: a harness that can not find them proves nothing."""

from collections.abc import Callable, Mapping
from typing import Final

PLANTS: Final[Mapping[str, Callable[[], None]]] = {}


def plant(name: str) -> None:
    """Put one bug into this process and its children; '' plants none. Raises `LookupError`."""
    if not name:
        return
    if name not in PLANTS:
        raise LookupError(f"no bug {name!r}; there are {', '.join(PLANTS)}")
    PLANTS[name]()

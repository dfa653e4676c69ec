"""The readers of settlement reports, by name."""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings

from foundation.errors import InvalidInput
from reconciliation.readers.base import Reader
from reconciliation.readers.mapped_csv import MappedCsv
from reconciliation.readers.stripe_csv import StripeCsv

NAMES: Final = (StripeCsv.name, MappedCsv.name)


def reader(name: str, *, column_map: Mapping[str, Any] | None = None) -> Reader:
    """The reader of this name. Raises `InvalidInput` for an unknown one, or one without its map."""
    if name == StripeCsv.name:
        return StripeCsv()
    if name != MappedCsv.name:
        raise InvalidInput(f"There is no reader {name!r}; there are {', '.join(NAMES)}.")
    if column_map is None:
        raise InvalidInput(f"The reader {name} needs a column map, and this account has none.")
    return MappedCsv.of(column_map)


def of_account(account: str, name: str) -> Reader:
    """The reader of this name ("": the usual one), with the map of the account's settings."""
    column_map = settings.RECONCILIATION_ACCOUNTS[account].get("column_map")
    usual = MappedCsv.name if column_map is not None else StripeCsv.name
    return reader(name or usual, column_map=column_map)

"""Payments in the document of the API."""

from typing import Final

from foundation.edge.contract import Operations
from payments.contract import operations

OPERATIONS: Final[Operations] = operations.OPERATIONS

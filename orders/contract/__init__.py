"""Checkouts, orders and what ships in the document of the API."""

from typing import Final

from foundation.edge.contract import Operations
from orders.contract import buying, handling

OPERATIONS: Final[Operations] = {**buying.OPERATIONS, **handling.OPERATIONS}

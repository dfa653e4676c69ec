"""Real PostgreSQL and Redis for those who have none: private children, data kept in a folder.

They listen on unix sockets only, run as root or not, come back after any kill, and die with their
parent. Nothing here knows Django.
"""

from checkout_project.embedded.addresses import Addresses, addresses
from checkout_project.embedded.cluster import DATA, Embedded, provided, start
from checkout_project.embedded.errors import EmbeddedError

__all__ = ["DATA", "Addresses", "Embedded", "EmbeddedError", "addresses", "provided", "start"]

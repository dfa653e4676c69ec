"""Where the servers of a data folder listen: known before they run, the same in every process."""

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

PORT = 5432  # only the name of the socket; said everywhere, or PGPORT in the environment would win
DATABASE_SOCKET = f".s.PGSQL.{PORT}"
DATABASE_URL_START = "postgres://checkout@/checkout"
BROKER_SOCKET = "redis.sock"
LONGEST_SOCKET_PATH = 107  # bytes; what fits into sockaddr_un beside the closing zero


@dataclass(frozen=True, slots=True)
class Addresses:
    """The two URLs that settings.py needs."""

    database_url: str
    broker_url: str


def socket_folder(data: Path) -> Path:
    """`run` beside the data; a short temporary folder when that path would be too long."""
    near = data.resolve() / "run"
    # PostgreSQL locks its socket with a file of a longer name beside it.
    if len(bytes(near / f"{DATABASE_SOCKET}.lock")) <= LONGEST_SOCKET_PATH:
        return near
    digest = hashlib.sha256(bytes(data.resolve())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"checkout-{digest}"


def addresses(data: Path) -> Addresses:
    """The addresses of the servers of `data`; starts nothing.

    The socket's folder is a query parameter because django-environ does not decode a
    percent-encoded host; libpq and psycopg take both.
    """
    folder = socket_folder(data)
    return Addresses(
        database_url=f"{DATABASE_URL_START}?host={quote(str(folder), safe='')}&port={PORT}",
        broker_url=f"redis+socket://{quote(str(folder / BROKER_SOCKET))}",
    )

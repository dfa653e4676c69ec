"""Servers for one demo: whatever it writes is gone afterwards, and nobody else's rows are touched.

A URL that nobody set is answered by a throw-away server in a temporary folder. A DATABASE_URL of
one's own gets a new database beside the named one; a CELERY_BROKER_URL of one's own must be idle.
"""

import contextlib
import fcntl
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import environ
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from checkout_project import embedded
from checkout_project.demo import broker
from checkout_project.embedded.cluster import BROKER, DATABASE

PREFIX = "checkout-demo-"
DATABASE_PREFIX = "checkout_demo_"
CONNECT_SECONDS = 5


class NoServer(RuntimeError):
    """A server of one's own cannot be used for the demo; the text says what to do."""


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder that is gone afterwards; those of demos that were killed go first."""
    _sweep()
    made = Path(tempfile.mkdtemp(prefix=PREFIX))
    made.chmod(0o711)  # as root, the servers run as somebody who must be able to pass
    try:
        with (made / "in-use").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _sweep() -> None:
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/in-use"):
        with contextlib.suppress(OSError), lock.open("r+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)


def chosen(environment: Mapping[str, str]) -> dict[str, str]:
    """The URLs that somebody set; manage.py's embedded servers hold one's own shop, not a demo."""
    ours = embedded.addresses(embedded.DATA)
    embedded_urls = (ours.database_url, ours.broker_url)
    urls = {name: environment.get(name, "") for name in (DATABASE, BROKER)}
    return {name: url for name, url in urls.items() if url and url not in embedded_urls}


@contextlib.contextmanager
def provided(data: Path, environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Both URLs for the life of this block."""
    urls = chosen(environment)
    with contextlib.ExitStack() as ending:
        if BROKER in urls:
            ending.enter_context(broker.borrowed(urls[BROKER]))
        if DATABASE in urls:
            urls[DATABASE] = ending.enter_context(_new_database(urls[DATABASE]))
        ending.enter_context(embedded.provided(urls, data=data))
        yield urls


@contextlib.contextmanager
def _new_database(url: str) -> Iterator[str]:
    name = f"{DATABASE_PREFIX}{secrets.token_hex(4)}"
    _command(url, "CREATE DATABASE {}", name)
    try:
        yield urlsplit(url)._replace(path=f"/{name}").geturl()
    finally:
        _command(url, "DROP DATABASE {} WITH (FORCE)", name)


def _command(url: str, words: str, name: str) -> None:
    try:
        with connect(url) as line:
            line.execute(sql.SQL(words).format(sql.Identifier(name)))
    except psycopg.Error as error:
        raise NoServer(
            f"DATABASE_URL: {words.format(name)} failed: {error}\n"
            "Name a server and a role with CREATEDB, or unset DATABASE_URL."
        ) from error


def connect(url: str) -> psycopg.Connection:
    """A connection of our own, outside Django, that commits by itself."""
    parts = environ.Env.db_url_config(url)
    words = {
        "host": parts["HOST"] or None,
        "port": parts["PORT"] or None,
        "user": parts["USER"] or None,
        "password": parts["PASSWORD"] or None,
        "dbname": parts["NAME"],
        "connect_timeout": CONNECT_SECONDS,
        **parts.get("OPTIONS", {}),
    }
    return psycopg.connect(make_conninfo("", **words), autocommit=True)


def quick(environment: Mapping[str, str], data: Path) -> dict[str, str]:
    """What every process of the demo sees: servers, mail in files, and short intervals."""
    return {
        **environment,
        "DJANGO_SETTINGS_MODULE": "checkout_project.settings",
        "EMAIL_URL": "",
        "MAIL_FOLDER": str(data / "mail"),
        "STRIPE_SECRET_KEY": "sk_test_sandbox",
        "LOG_LEVEL": "INFO",
        **QUICK,
    }


# Leases stay longer than the longest look-up: a system check compares them.
QUICK = {
    "STRIPE_LIST_PAGES_MAX": "1",
    "STRIPE_CONNECT_SECONDS": "1",
    "STRIPE_READ_SECONDS": "2",
    "PROCESSOR_LOOKUP_LAG_SECONDS": "1",
    "SWEEP_SECONDS": "2",
    "RESOLVE_FIRST_SECONDS": "1",
    "PROCESSOR_EVENT_FIRST_SECONDS": "1",
    "CHECKOUT_LEASE_SECONDS": "15",
    "PAYMENT_LEASE_SECONDS": "11",
    "CLOCK_SKEW_SECONDS": "0.5",
    "STALLED_AFTER_SECONDS": "5",
}

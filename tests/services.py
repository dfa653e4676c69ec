"""Servers for the tests: a throw-away PostgreSQL and Redis for each run, gone afterwards.

Loaded by `-p tests.services`, before Django's settings are read. Whoever sets DATABASE_URL and
CELERY_BROKER_URL has the tests run on servers of their own. The workers of xdist inherit both, so
only the first process starts anything.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from checkout_project import embedded

PREFIX = "checkout-tests-"
URLS = ("DATABASE_URL", "CELERY_BROKER_URL")


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Start what is missing; a wrapper, to come before pytest-django reads the settings."""
    if not all(os.environ.get(name) for name in URLS):
        sweep()
        early_config.add_cleanup(_serve().close)
    return (yield)


def database_url(name: str) -> str:
    """The URL of another database on the server of this run, such as Django's test database."""
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def _serve() -> contextlib.ExitStack:
    """Start the servers in a folder of their own; closing the result removes all of it."""
    ending = contextlib.ExitStack()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    ending.callback(shutil.rmtree, folder, ignore_errors=True)
    folder.chmod(0o711)  # as root, the servers run as somebody who must be able to pass
    try:
        ending.enter_context(embedded.provided(os.environ, data=folder, durable=False))
    except embedded.EmbeddedError as error:
        ending.close()
        raise pytest.UsageError(str(error)) from error
    return ending


def sweep() -> None:
    """Remove the folders of runs that were killed; the lock of a living run is held."""
    for lock in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/lock"):
        with contextlib.suppress(OSError), lock.open("r+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(lock.parent, ignore_errors=True)

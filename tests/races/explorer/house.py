"""Servers of its own for exploring outside of pytest; nothing here needs Django to be set up."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import django

from checkout_project import embedded

_URLS: Final = ("DATABASE_URL", "CELERY_BROKER_URL")
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - nothing here has to outlive the run


@contextmanager
def opened() -> Iterator[Path]:
    """PostgreSQL and a broker, unless the environment names others, and Django on them.

    Yields a folder for whatever else is needed; it is gone afterwards.
    """
    with contextlib.ExitStack() as ending:
        fast = _MEMORY if _MEMORY.is_dir() else None
        folder = Path(ending.enter_context(tempfile.TemporaryDirectory("", "explorer-", fast)))
        folder.chmod(0o711)  # as root, the servers run as somebody who must be able to pass
        if not all(os.environ.get(url) for url in _URLS):
            ending.enter_context(embedded.provided(os.environ, data=folder / "d", durable=False))
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        django.setup()
        yield folder

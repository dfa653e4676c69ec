"""A folder for embedded servers, empty and gone afterwards."""

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkout_project.clusters import living


@pytest.fixture
def data() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="embedded-"))
    folder.chmod(0o711)
    yield folder / "data"
    for left in living(folder / "data"):  # only when the test failed
        with contextlib.suppress(ProcessLookupError):  # it may be ending at this moment
            os.kill(left, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)

"""The house: one for all tests here, made whole again before each of them."""

import shutil
import tempfile
from pathlib import Path

import pytest

from tests.e2e.house import House


@pytest.fixture(scope="session")
def _house():
    # Not under pytest's own folder: the servers run as another account when we are root.
    folder = Path(tempfile.mkdtemp(prefix="checkout-house-"))
    folder.chmod(0o711)
    house = House(folder)
    try:
        yield house
    finally:
        house.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def house(_house, request):
    """Web, worker, beat, relay, deliverer and sandbox on servers of their own; all are well."""
    _house.mend()
    return _house

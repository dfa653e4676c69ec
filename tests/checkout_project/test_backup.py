"""A shop is backed up and restored by the commands of docs/production.md, as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from checkout_project.embedded import binaries
from orders.models import Order
from tests.services import database_url
from tests.stories import world

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "production.md").read_text()
RESTORED = f"restored_by_a_test_{os.getpid()}"
ROLE = "checkout_app"


def commands():
    """All that is to be pasted, in its order; with the interpreter that runs this test."""
    blocks = re.findall(r"^```bash\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2, "one to back up, one to restore"
    return "set -eux\n" + "".join(blocks).replace(".venv/bin/python", sys.executable)


@pytest.fixture
def an_empty_database(shop):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {RESTORED}")
    yield database_url(RESTORED)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {RESTORED} WITH (FORCE)")


def run(script, **changed):
    tools = f"{binaries.postgresql()}{os.pathsep}{os.environ['PATH']}"
    settings = {"DJANGO_SETTINGS_MODULE": "checkout_project.settings", "DATABASE_ROLE": ROLE}
    return subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=os.environ | settings | {"PATH": tools} | changed,
        capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip


def test_a_shop_that_is_restored_from_its_dump_is_whole_and_guarded(
    api, an_empty_database, tmp_path
):
    order = world.an_order(api)
    world.play_events()

    done = run(
        commands(), DATABASE_URL=database_url(connection.settings_dict["NAME"]),
        NEW_DATABASE_URL=an_empty_database, DUMP=str(tmp_path / "shop.dump"),
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    with psycopg.connect(an_empty_database, options=f"-c role={ROLE}") as restored:
        rows = restored.execute("SELECT id, state FROM orders_order").fetchall()
        assert rows == [(order.pk, Order.objects.get().state)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            restored.execute("UPDATE payments_paymenttransaction SET amount = 0")
    with (
        psycopg.connect(an_empty_database) as restored,
        pytest.raises(psycopg.errors.RestrictViolation),
    ):
        restored.execute("UPDATE payments_paymenttransaction SET amount = 0")

"""What a run stands on: a durable PostgreSQL of its own, a shop to load, a bearer key."""

import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit

import django
import psycopg
from django.core.management import call_command
from django.db import connection

from benchmarks.meters import StatementMeter
from benchmarks.sizes import Sizes
from checkout_project import embedded
from checkout_project.embedded.addresses import socket_folder
from checkout_project.embedded.cluster import DATA
from checkout_project.processes import ROOT, Shop

DATABASE = "checkout"
SAMPLES = ROOT / "orders" / "samples"
ON_HAND = 2_000_000_000
# One address sends every request, and customers come back: velocity is measured, not refused.
RISK = {f"RISK_{of}": "1000000,1000000" for of in ("CUSTOMER", "EMAIL", "IP", "CARD")}
_CATALOG = """
    WITH product AS (
        INSERT INTO orders_product (id, sku, title, tax_code, active)
        SELECT uuidv7(), 'BENCH-' || n, 'Bench product ' || n, 'standard', true
        FROM generate_series(1, %s) AS n RETURNING id, sku
    ), price AS (
        INSERT INTO orders_price (id, product_id, currency, amount)
        SELECT uuidv7(), id, 'USD', 1999 FROM product
    )
    INSERT INTO orders_stockitem (product_id, sku, on_hand, reserved)
    SELECT id, sku, %s, 0 FROM product
"""


@dataclass(slots=True)
class Stage:
    """Everything a measurement needs at hand."""

    sizes: Sizes
    folder: Path
    shop: Shop
    bearer: str
    client_id: str
    control: psycopg.Connection
    meter: StatementMeter
    database_url: str

    @property
    def socket(self) -> Path:
        """The folder of PostgreSQL's socket."""
        return socket_folder(self.folder)

    @property
    def pids(self) -> dict[str, int]:
        """The process trees whose CPU is counted, by the name they have in the report."""
        postmaster = int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])
        ours = self.shop.pids
        return {"API": ours["web"], "PostgreSQL": postmaster, "sandbox": ours["sandbox"]}

    def settle(self) -> None:
        """So that no window pays for the pages of the one before it."""
        self.control.execute("CHECKPOINT")


@contextlib.contextmanager
def built(sizes: Sizes) -> Iterator[Stage]:
    """Servers, tables, a catalog and a running shop; all of it is gone afterwards."""
    DATA.mkdir(exist_ok=True)  # beside the project's data: a temporary folder may be memory
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=DATA))
    folder.chmod(0o711)  # as root, the servers run as somebody who must be able to pass
    with contextlib.ExitStack() as ending:
        ending.callback(shutil.rmtree, folder, ignore_errors=True)
        servers = ending.enter_context(embedded.start(folder, durable=True))
        shop = _shop(folder, sizes)
        os.environ |= _environment(servers.addresses, shop)
        django.setup()
        bearer, client_id = _furnish(sizes)
        control = psycopg.connect(servers.addresses.database_url, autocommit=True)
        ending.enter_context(control)
        ending.enter_context(shop)
        meter = StatementMeter(control, DATABASE)
        url = servers.addresses.database_url
        yield Stage(sizes, folder, shop, bearer, client_id, control, meter, url)


def _shop(folder: Path, sizes: Sizes) -> Shop:
    return Shop(
        folder=folder / "logs",
        names=("sandbox", "web"),
        web_workers=sizes.web_workers,
        web_threads=sizes.web_threads,
        sandbox_tells=False,  # no worker is here to work what it would tell
    )


def _environment(addresses: embedded.Addresses, shop: Shop) -> dict[str, str]:
    return {
        **RISK,
        "DATABASE_URL": addresses.database_url,
        "CELERY_BROKER_URL": addresses.broker_url,
        "STRIPE_API_BASE": shop.sandbox_url,
        "DJANGO_SETTINGS_MODULE": "checkout_project.settings",
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_hex(32),
        "LOG_LEVEL": "WARNING",
        "MAIL_FOLDER": str(shop.folder / "mail"),
    }


def _furnish(sizes: Sizes) -> tuple[str, str]:
    """Tables, rates, products and a client; returns its key and its id."""
    call_command("migrate", interactive=False, verbosity=0)
    for command, name in (
        ("import_tax_rates", "tax_rates.csv"),
        ("import_shipping_rates", "shipping_rates.csv"),
    ):
        call_command(command, str(SAMPLES / name), stdout=StringIO())
    bearer = str(call_command("create_api_key", "benchmark", stdout=StringIO())).strip()
    with connection.cursor() as cursor:
        cursor.execute(_CATALOG, [sizes.skus, ON_HAND])
        cursor.execute("SELECT id::text FROM foundation_apiclient")
        client_id = str(cursor.fetchone()[0])
    connection.close()
    return bearer, client_id


def another_database(url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()

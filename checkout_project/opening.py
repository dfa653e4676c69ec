"""What a shop needs before it opens: tables, a catalog, a login for staff, a key for a client."""

import json
import os
import secrets
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command

from checkout_project.processes import ROOT
from orders.models import Price, Product

SAMPLES = ROOT / "orders" / "samples"
SAMPLE_COMMANDS = {  # in this order
    "import_catalog": "catalog.csv",
    "import_tax_rates": "tax_rates.csv",
    "import_shipping_rates": "shipping_rates.csv",
}
STAFF = "admin"
CLIENT = "demo"
CART_BYTES = 4
FIRST_BOUGHT = "MUG-BLUE"


class CatalogEmpty(RuntimeError):
    """There is nothing to buy."""


@dataclass(frozen=True, slots=True)
class Login:
    """A way into the admin; `password` is None when somebody else chose it."""

    username: str
    password: str | None


def make_tables() -> None:
    """Bring the database to today's shape."""
    call_command("migrate", interactive=False, verbosity=0)


def load_samples() -> bool:
    """Fill an empty catalog with the samples; False when there was one."""
    if Product.objects.exists():
        return False
    for command, name in SAMPLE_COMMANDS.items():
        call_command(command, str(SAMPLES / name), stdout=StringIO())
    return True


def staff_login(kept: Path) -> Login:
    """A superuser whose random password is kept in a private file, to be shown again."""
    staff = get_user_model()
    if staff.objects.filter(username=STAFF).exists():
        return Login(STAFF, kept.read_text().strip() if kept.exists() else None)
    password = secrets.token_urlsafe(12)
    staff.objects.create_superuser(STAFF, email="admin@example.com", password=password)
    write_private(kept, password)
    return Login(STAFF, password)


def write_private(path: Path, text: str) -> None:
    """A file that only its owner reads, from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(f"{text}\n")


def client_key(client: str = CLIENT, *, sees_all: bool = False) -> str:
    """A new API key of a client, with every scope; it is readable only now."""
    live = settings.API_KEYS_LIVE_ONLY
    key = call_command("create_api_key", client, live=live, sees_all=sees_all, stdout=StringIO())
    return str(key).strip()


def sample_checkout() -> dict[str, object]:
    """A request that buys something of the catalog: the documentation's mug, if it is there."""
    prices = Price.objects.filter(product__active=True).select_related("product")
    known = prices.filter(product__sku=FIRST_BOUGHT, currency="USD")
    price = known.first() or prices.order_by("product__sku", "currency").first()
    if price is None:
        raise CatalogEmpty(
            "Nothing in the catalog has a price. Import one: manage.py import_catalog"
        )
    return {
        "cart_id": f"cart_{secrets.token_hex(CART_BYTES)}",
        "customer": {"reference": "cus_42", "email": "a@example.com"},
        "currency": price.currency,
        "lines": [{"sku": price.product.sku, "quantity": 2}],
        "shipping_method": "standard",
        "shipping_address": {
            "line1": "1 Main St",
            "city": "Portland",
            "region": "OR",
            "postal_code": "97201",
            "country": "US",
        },
        "payment_method": "pm_card_visa",
    }


def curl(url: str, *, key: str) -> str:
    """The same request as one command for a terminal; run it twice to see the replay."""
    idempotency_key = secrets.token_hex(16)
    return (
        f"curl -i {url}/v1/checkouts \\\n"
        f"  -H 'Authorization: Bearer {key}' \\\n"
        f"  -H 'Idempotency-Key: {idempotency_key}' \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d '{json.dumps(sample_checkout())}'"
    )

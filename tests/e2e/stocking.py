"""Fills an empty database for the house; prints one API key a line. Run as a program, once."""

import sys

import django
from django.core.management import call_command

SKU = "MUG-BLUE"
ON_HAND = 100_000


def main() -> None:
    """Tables, what every checkout needs, one product that never runs out, two callers."""
    django.setup()
    call_command("migrate", verbosity=0)
    from tests import builders  # noqa: PLC0415 - models can only be imported after setup()

    builders.a_shop()
    builders.a_product(SKU, on_hand=ON_HAND)
    for name in ("known", "stranger"):
        sys.stdout.write(f"{builders.a_client(name)[1]}\n")


if __name__ == "__main__":
    main()

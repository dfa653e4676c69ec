"""`manage.py erase_touchpoints CLIENT CUSTOMER --reason WHY`: forget whose visits those were."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from attribution import retention
from foundation.models import ApiClient


class Command(BaseCommand):
    """A repeat erases nothing more."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose, and why."""
        parser.add_argument("client", help="the name of the client that told of the visits")
        parser.add_argument("customer", help="the customer's reference")
        parser.add_argument("--reason", required=True, help="goes on record, such as a ticket")
        parser.add_argument("--by", default="system:command", help="who asks, for the record")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Erase, and say how many rows lost their identifiers."""
        client = ApiClient.objects.filter(name=options["client"]).first()
        if client is None:
            raise CommandError("There is no client of this name.")
        if not options["customer"].strip():
            raise CommandError("Name the customer: visits without a name are everybody else's.")
        count = retention.erase(
            client_id=client.pk,
            customer_reference=options["customer"],
            by=options["by"],
            reason=options["reason"],
        )
        self.stdout.write(f"{count} touchpoints name nobody any more")

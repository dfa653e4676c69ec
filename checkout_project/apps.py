"""The wiring's own app: system checks and the commands that start everything."""

from django.apps import AppConfig

from checkout_project import checks


class CheckoutProjectConfig(AppConfig):
    name = "checkout_project"

    def ready(self) -> None:
        """Register the checks that refuse a configuration that would lose money."""
        checks.register()

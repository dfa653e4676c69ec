"""The wiring's own app: system checks and the commands that start everything."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from checkout_project import checks, deployed


class CheckoutProjectConfig(AppConfig):
    name = "checkout_project"

    def ready(self) -> None:
        """Register what refuses to start, and what every app states: its rules and gauges."""
        checks.register()
        deployed.register()
        autodiscover_modules("invariants", "metrics")

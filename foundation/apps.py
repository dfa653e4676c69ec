"""Foundation: what two or more apps need, and nothing that knows a business noun."""

from django.apps import AppConfig


class FoundationConfig(AppConfig):
    name = "foundation"
    default_auto_field = "django.db.models.BigAutoField"

"""Attribution: where an order came from, as far as anybody can know."""

from django.apps import AppConfig


class AttributionConfig(AppConfig):
    name = "attribution"
    default_auto_field = "django.db.models.BigAutoField"

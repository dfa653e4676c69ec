"""Who calls, and with which keys. No secret is shown, nothing is edited."""

from typing import ClassVar

from django.contrib import admin

from foundation.desk.staff import ReadOnlyAdmin
from foundation.models import ApiClient, ApiKey


@admin.register(ApiClient)
class ApiClientAdmin(ReadOnlyAdmin):
    """Who calls."""

    list_display = ("name", "created_at")
    list_filter = ("created_at",)
    fields = ("id", "name", "created_at")
    search_help_text = "Part of the name, or the client's id."
    by_reference: ClassVar = {"": "pk"}
    by_text = ("name__icontains",)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Which keys a client has. Neither the secret nor its digest is ever shown."""

    list_display = (
        "hint",
        "client",
        "scopes",
        "sees_all",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = ("sees_all", "created_at", "revoked_at")
    list_select_related = ("client",)
    fields = (
        "hint", "client", "scopes", "sees_all", "created_at", "last_used_at", "expires_at",
        "revoked_at",
    )  # fmt: skip
    search_help_text = "How the key begins or ends, or the client's name."
    by_text = ("hint__icontains", "client__name__icontains")

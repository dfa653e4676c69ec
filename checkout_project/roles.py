"""Who may do what: four roles, as groups with permissions. Made by `migrate`, and brought up to
date by `manage.py grant_roles`; permissions that a shop gave a group itself are left to it.
"""

from collections.abc import Mapping
from typing import Final

from django.apps import apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db import transaction

OURS: Final = ("orders", "payments", "attribution", "reconciliation", "events", "foundation")
VIEW: Final = "view"  # every list and page of the six apps
_HANDLE_MONEY: Final = ("void_payment", "refund_payment", "cancel_order")

ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "viewer": (VIEW,),
    # answers the customer: what one person may undo, and the desk
    "support": (VIEW, *_HANDLE_MONEY, "ship_order", "reauthorize_order", "resend_notification",
                "handle_case"),
    # the money and the books: also decides on what others ask for
    "finance": (
        VIEW, *_HANDLE_MONEY, "capture_payment", "decide_approval", "handle_case",
        "import_settlement", "start_reconciliation", "handle_break", "match_break",
        "write_off_break", "import_conversions",
    ),
    # keeps the shop running: what is stuck, what is sold where, and who may not buy
    "operations": (
        VIEW, *_HANDLE_MONEY, "capture_payment", "ship_order", "reauthorize_order",
        "review_checkout", "handle_case", "decide_approval", "retry_processorevent",
        "resend_notification", "operate_webhooks",
        "add_shippingrate", "change_shippingrate", "add_taxrate", "change_taxrate",
        "add_blocklistentry", "change_blocklistentry", "delete_blocklistentry",
    ),
}  # fmt: skip


def grant() -> dict[str, int]:
    """Give each role what it lacks; role → how many permissions it has now."""
    with transaction.atomic():
        return {name: _grant(name, wanted) for name, wanted in ROLES.items()}


def make_permissions() -> None:
    """Every permission of our models, which Django else makes only after all migrations."""
    for label in OURS:
        create_permissions(apps.get_app_config(label), verbosity=0)


def _grant(name: str, wanted: tuple[str, ...]) -> int:
    of_ours = Permission.objects.filter(content_type__app_label__in=OURS)
    named = list(of_ours.filter(codename__in=wanted))
    seen = list(of_ours.filter(codename__startswith="view_")) if VIEW in wanted else []
    if missing := set(wanted) - {VIEW} - {permission.codename for permission in named}:
        raise LookupError(f"{name}: there is no permission {', '.join(sorted(missing))}")
    role, _ = Group.objects.get_or_create(name=name)
    role.permissions.add(*named, *seen)
    return role.permissions.count()

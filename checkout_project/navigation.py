"""The sidebar: what staff work with, grouped by the work, and only what this person may see."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

# Group → (model, icon of Material Symbols). Every model of the admin stands here once (tested).
GROUPS: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "Orders": (
        ("orders.order", "receipt_long"),
        ("orders.checkout", "shopping_cart"),
        ("foundation.case", "assignment_late"),
        ("orders.notification", "mail"),
        ("orders.bulkrun", "checklist"),
        ("orders.stockitem", "inventory_2"),
        ("orders.reservation", "bookmark"),
        ("orders.product", "sell"),
        ("orders.shippingrate", "local_shipping"),
        ("orders.taxrate", "percent"),
        ("orders.blocklistentry", "block"),
    ),
    "Money": (
        ("payments.payment", "payments"),
        ("foundation.approval", "how_to_reg"),
        ("payments.dispute", "gavel"),
        ("payments.payout", "account_balance"),
    ),
    "Books": (
        ("reconciliation.reconciliationbreak", "difference"),
        ("reconciliation.reconciliationrun", "compare_arrows"),
        ("reconciliation.settlementreport", "description"),
        ("reconciliation.settlementline", "table_rows"),
        ("payments.ledgerline", "menu_book"),
    ),
    "Analytics": (
        ("attribution.gapversion", "query_stats"),
        ("attribution.conversion", "ads_click"),
        ("attribution.conversionbatch", "upload_file"),
        ("attribution.touchpoint", "touch_app"),
        ("attribution.purchasesending", "outgoing_mail"),
        ("attribution.refundsending", "undo"),
    ),
    "Events": (
        ("events.outboxevent", "outbox"),
        ("events.webhookendpoint", "webhook"),
        ("events.webhookdelivery", "send"),
        ("payments.processorevent", "move_to_inbox"),
    ),
    "System": (
        ("foundation.invariantresult", "rule"),
        ("foundation.crossing", "notifications_active"),
        ("foundation.idempotencykey", "key"),
        ("foundation.auditentry", "history"),
        ("foundation.transition", "swap_horiz"),
        ("foundation.apiclient", "hub"),
        ("foundation.apikey", "vpn_key"),
        ("auth.user", "person"),
        ("auth.group", "group"),
    ),
}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups as the theme wants them; without those this person may see nothing of."""
    groups = [{"title": title, "items": _items(request, GROUPS[title])} for title in GROUPS]
    start = {"title": "Start", "icon": "home", "link": reverse("admin:index")}
    return [{"items": [start]}, *(group for group in groups if group["items"])]


def pages_of(label: str) -> Any:
    """The admin's pages of a model, by `app.model`; None when there are none."""
    model = apps.get_model(label)
    return admin.site.get_model_admin(model) if admin.site.is_registered(model) else None


def _items(request: HttpRequest, models: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    return [_item(label, icon) for label, icon in models if _may_view(request, label)]


def _may_view(request: HttpRequest, label: str) -> bool:
    app, name = label.split(".")
    return any(request.user.has_perm(f"{app}.{verb}_{name}") for verb in ("view", "change"))


def _item(label: str, icon: str) -> dict[str, Any]:
    opts = apps.get_model(label)._meta  # noqa: SLF001 - Django's documented description of a model
    link = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    return {"title": capfirst(opts.verbose_name_plural), "icon": icon, "link": link}

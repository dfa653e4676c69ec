"""Stock and the holds on it."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest

from foundation.desk.staff import ReadOnlyAdmin, badge, choice_filter, link, page_of, stamp
from foundation.ids import public
from orders.models import Reservation, StockItem
from orders.states import RESERVATION


class ShortageFilter(admin.SimpleListFilter):
    """What can not be sold any more."""

    title = "sold out"
    parameter_name = "sold_out"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        """One choice besides all."""
        return [("yes", "yes")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        """Everything on the shelf is spoken for."""
        return queryset.filter(reserved=F("on_hand")) if self.value() == "yes" else queryset


@admin.register(StockItem)
class StockItemAdmin(ReadOnlyAdmin):
    """What lies on the shelf, what of it is spoken for, and what may be sold."""

    list_display = ("sku", "product_title", "on_hand", "reserved", "sellable")
    list_filter = (ShortageFilter,)
    list_select_related = ("product",)
    ordering = ("sku",)
    fields = ("sku", "product", "on_hand", "reserved", "sellable")
    search_help_text = "How the SKU begins, or part of the title."
    by_text = ("sku__istartswith", "product__title__icontains")

    @admin.display(description="product")
    def product_title(self, row: StockItem) -> str:
        """The product's title."""
        return row.product.title

    @admin.display(description="available")
    def sellable(self, row: StockItem) -> int:
        """On hand less reserved."""
        return row.available


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    """Holds of stock, each for one checkout."""

    list_display = ("sku", "quantity", "state_badge", "for_checkout", "created")
    list_filter = (choice_filter("state", sorted(RESERVATION.states), title="state"), "created_at")
    fields = ("sku", "quantity", "state_badge", "for_checkout", "created")
    search_help_text = "The SKU, or the checkout (chk_…)."
    by_reference: ClassVar = {"chk": "checkout_id"}
    by_text = ("sku",)

    @admin.display(description="state", ordering="state")
    def state_badge(self, row: Reservation) -> str:
        """The state, colored."""
        return badge(row.state)

    @admin.display(description="checkout")
    def for_checkout(self, row: Reservation) -> str:
        """A link to the checkout that holds it."""
        return link(page_of("checkout", row.checkout_id), public("chk", row.checkout_id))

    @admin.display(description="created (UTC)", ordering="created_at")
    def created(self, row: Reservation) -> str:
        """When it was taken."""
        return stamp(row.created_at)

"""Paths of checkouts and orders, below /v1/."""

from django.urls import path

from orders.views import checkouts, fulfillments, inventory, orders, reading

urlpatterns = [
    path("checkouts", checkouts.Checkouts.as_view()),
    path("checkouts/<str:reference>", reading.OneCheckout.as_view()),
    path("checkouts/<str:reference>/confirm", checkouts.CheckoutConfirmation.as_view()),
    path("checkouts/<str:reference>/cancel", checkouts.CheckoutCancellation.as_view()),
    path("checkouts/<str:reference>/timeline", reading.CheckoutTimeline.as_view()),
    path("orders", reading.Orders.as_view()),
    path("orders/<str:reference>", reading.OneOrder.as_view()),
    path("orders/<str:reference>/timeline", reading.OrderTimeline.as_view()),
    path("orders/<str:reference>/attribution", reading.OrderAttribution.as_view()),
    path("orders/<str:reference>/cancel", orders.OrderCancellation.as_view()),
    path("orders/<str:reference>/fulfillments", fulfillments.OrderFulfillments.as_view()),
    path("fulfillments/<str:reference>", fulfillments.OneFulfillment.as_view()),
    # a SKU may have slashes in it
    path("inventory-items/<path:sku>/adjustments", inventory.InventoryAdjustments.as_view()),
    path("inventory-items/<path:sku>", inventory.InventoryItem.as_view()),
]

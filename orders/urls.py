"""Paths of checkouts and orders, below /v1/."""

from django.urls import path

from orders.views import checkouts, orders, reading

urlpatterns = [
    path("checkouts", checkouts.Checkouts.as_view()),
    path("checkouts/<str:reference>", reading.OneCheckout.as_view()),
    path("checkouts/<str:reference>/timeline", reading.CheckoutTimeline.as_view()),
    path("orders", reading.Orders.as_view()),
    path("orders/<str:reference>", reading.OneOrder.as_view()),
    path("orders/<str:reference>/timeline", reading.OrderTimeline.as_view()),
    path("orders/<str:reference>/cancel", orders.OrderCancellation.as_view()),
]

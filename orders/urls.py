"""Paths of checkouts and orders, below /v1/."""

from django.urls import path

from orders import views

urlpatterns = [
    path("checkouts", views.Checkouts.as_view()),
    path("checkouts/<str:reference>", views.OneCheckout.as_view()),
    path("checkouts/<str:reference>/timeline", views.CheckoutTimeline.as_view()),
    path("orders", views.Orders.as_view()),
    path("orders/<str:reference>", views.OneOrder.as_view()),
    path("orders/<str:reference>/timeline", views.OrderTimeline.as_view()),
]

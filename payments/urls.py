"""Paths of payments, below /v1/."""

from django.urls import path

from payments import views

urlpatterns = [
    path("payments", views.Payments.as_view()),
    path("payments/<str:reference>", views.OnePayment.as_view()),
    path("payments/<str:reference>/transactions", views.PaymentTransactions.as_view()),
    path("payments/<str:reference>/timeline", views.PaymentTimeline.as_view()),
]

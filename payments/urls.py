"""Paths of payments, below /v1/."""

from django.urls import path

from payments import ledger_views, views, webhooks

urlpatterns = [
    path("ledger/accounts", ledger_views.LedgerAccounts.as_view()),
    path("ledger/entries", ledger_views.LedgerEntries.as_view()),
    path("payments", views.Payments.as_view()),
    path("payments/<str:reference>", views.OnePayment.as_view()),
    path("payments/<str:reference>/transactions", views.PaymentTransactions.as_view()),
    path("payments/<str:reference>/captures", views.Captures.as_view()),
    path("payments/<str:reference>/void", views.Void.as_view()),
    path("payments/<str:reference>/refunds", views.Refunds.as_view()),
    path("payments/<str:reference>/timeline", views.PaymentTimeline.as_view()),
    path("refunds/<str:reference>", views.OneRefund.as_view()),
    path("disputes", views.Disputes.as_view()),
    path("disputes/<str:reference>", views.OneDispute.as_view()),
    path("processor-events/stripe", webhooks.ProcessorEvents.as_view(), {"processor": "stripe"}),
]

"""Paths of reconciliation, below /v1/."""

from django.urls import path

from reconciliation import views

urlpatterns = [
    path("reconciliation-runs", views.Runs.as_view()),
    path("reconciliation-runs/<str:reference>", views.OneRun.as_view()),
    path("reconciliation-breaks", views.Breaks.as_view()),
    path("reconciliation-breaks/<str:reference>", views.OneBreak.as_view()),
    path("reconciliation-breaks/<str:reference>/resolve", views.BreakSettlement.as_view()),
]

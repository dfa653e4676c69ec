"""Paths of reconciliation, below /v1/."""

from django.urls import path

from reconciliation import match_views, settlement_views, views

urlpatterns = [
    path("settlements", settlement_views.Settlements.as_view()),
    path("settlements/<str:reference>", settlement_views.OneSettlement.as_view()),
    path("reconciliation-runs", views.Runs.as_view()),
    path("reconciliation-runs/<str:reference>", views.OneRun.as_view()),
    path("reconciliation-matches", match_views.Matches.as_view()),
    path("reconciliation-matches/<str:reference>", match_views.OneMatch.as_view()),
    path("reconciliation-matches/<str:reference>/undo", match_views.MatchUndone.as_view()),
    path("reconciliation-breaks", views.Breaks.as_view()),
    path("reconciliation-breaks/<str:reference>", views.OneBreak.as_view()),
    path("reconciliation-breaks/<str:reference>/resolve", views.BreakSettlement.as_view()),
]

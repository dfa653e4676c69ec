"""Paths of attribution, below /v1/."""

from django.urls import path

from attribution import views

urlpatterns = [
    path("conversions", views.Conversions.as_view()),
    path("reports/attribution-gap", views.AttributionGap.as_view()),
    path("touchpoints", views.Touchpoints.as_view()),
]

"""Paths of telling, below /v1/."""

from django.urls import path

from events import feed_views, views

urlpatterns = [
    path("webhook-endpoints", views.Endpoints.as_view()),
    path("webhook-endpoints/<str:reference>", views.OneEndpoint.as_view()),
    path("webhook-endpoints/<str:reference>/rotate-secret", views.SecretRotation.as_view()),
    path("webhook-endpoints/<str:reference>/ping", views.Ping.as_view()),
    path("webhook-endpoints/<str:reference>/replay", views.Replay.as_view()),
    path("events", feed_views.Events.as_view()),
    path("events/<str:reference>", feed_views.OneEvent.as_view()),
    path("deliveries", feed_views.Deliveries.as_view()),
    path("deliveries/<str:reference>", feed_views.OneDelivery.as_view()),
    path("deliveries/<str:reference>/retry", feed_views.Retry.as_view()),
]

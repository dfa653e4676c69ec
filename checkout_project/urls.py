"""Every path this service answers."""

from django.contrib import admin
from django.urls import include, path

from checkout_project import finding, health, metrics, problem_details, problem_pages
from checkout_project.openapi import views as openapi

urlpatterns = [
    path("v1/problems", problem_pages.Problems.as_view()),
    path("v1/problems/<str:code>", problem_pages.OneProblem.as_view()),
    path("v1/openapi.json", openapi.OpenApiDocument.as_view()),
    path("v1/docs", openapi.docs_page),
    path("v1/", include("orders.urls")),
    path("v1/", include("payments.urls")),
    path("v1/", include("reconciliation.urls")),
    path("v1/", include("attribution.urls")),
    path("v1/", include("events.urls")),
    path("v1/<path:rest>", problem_details.nothing_here),
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", metrics.metrics),
    path("admin/find/", admin.site.admin_view(finding.find), name="admin_find"),
    path("admin/", admin.site.urls),
]
handler400 = problem_details.bad_request
handler404 = problem_details.not_found
handler500 = problem_details.server_error

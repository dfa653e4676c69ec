"""One route, at the same place as ours."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from benchmarks.plain_view.views import PlainCheckouts


def ready(_request: HttpRequest) -> HttpResponse:
    """The server serves."""
    return HttpResponse("ok")


urlpatterns = [path("v1/checkouts", PlainCheckouts.as_view()), path("readyz", ready)]

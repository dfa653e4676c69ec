"""`GET /v1/openapi.json` and `/v1/docs`: the document as it is committed, and a page to try it.

The web process reads a file; what makes the document is loaded by `manage.py write_openapi` only,
and a test holds the file against it.
"""

from functools import cache
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from rest_framework.request import Request
from rest_framework.views import APIView

from foundation.edge.http import tagged_bytes

FILE: Final = "docs/openapi.json"


@cache
def document() -> bytes:
    """The committed document."""
    path = settings.BASE_DIR / FILE
    return bytes(path.read_bytes())


class OpenApiDocument(APIView):
    """GET /v1/openapi.json."""

    authentication_classes = ()
    permission_classes = ()

    def get(self, request: Request) -> HttpResponse:
        """Everything that can be asked of this service."""
        return tagged_bytes(request, document())


@require_safe
def docs_page(request: HttpRequest) -> HttpResponse:
    """Swagger UI, from our own files."""
    return render(request, "checkout_project/api_page.html")

"""Where the processor tells us what happened. Raw bytes in, a status out, nothing else."""

from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import UnreadablePostError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.edge.strict_json import BodyTooLarge
from foundation.errors import DomainError, MalformedRequest
from payments.services.receive import receive

_HEADER: Final = {"stripe": "Stripe-Signature"}


class EventNotStored(DomainError):
    """It could not be put on disk; the processor sends it again."""

    code, status, title = "processor_event_not_stored", 503, "The event could not be stored"
    retryable = True


class _OurChoice(BaseContentNegotiation):
    """The sender reads the status; it is not refused for what it accepts as a body."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> None:  # noqa: ARG002
        """None is used: the signature is over the bytes."""
        return

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002 - DRF's signature
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,  # noqa: ARG002 - DRF's signature
    ) -> tuple[BaseRenderer, str]:
        """JSON."""
        ours = next(iter(renderers))
        return ours, ours.media_type


class ProcessorEvents(APIView):
    """POST /v1/processor-events/{processor}: who may speak is decided by the signature alone."""

    authentication_classes = ()
    permission_classes = ()
    content_negotiation_class = _OurChoice

    def post(self, request: Request, processor: str) -> Response:
        """202 when it is stored now, 200 when it was stored before, 503 when it can not be."""
        body = _read(request)
        signature = request.headers.get(_HEADER[processor], "")
        try:
            receipt = receive(name=processor, body=body, signature=signature)
        except (DatabaseError, InterfaceError) as error:
            raise EventNotStored("Send it again.", headers={"Retry-After": "5"}) from error
        return Response(
            {"id": receipt.row.external_id, "status": "stored" if receipt.is_new else "known"},
            status=202 if receipt.is_new else 200,
        )


def _read(request: Request) -> bytes:
    """The bytes as they came. Raises `BodyTooLarge` or `MalformedRequest`."""
    most = settings.PROCESSOR_EVENT_BYTES_MAX
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > most:
        raise BodyTooLarge(f"An event may have at most {most} bytes.")
    try:
        return request.body
    except UnreadablePostError as error:
        raise MalformedRequest("The body ended early.") from error

"""The HTTP edge of settlement reports: a file comes in as it is, and reports are read."""

import datetime as dt
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, Final

from django.conf import settings
from django.http import HttpResponse, UnreadablePostError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from foundation.actions import Wish, perform
from foundation.edge import lookup
from foundation.edge.authentication import principal
from foundation.edge.http import stored, tagged
from foundation.edge.strict_json import BodyTooLarge
from foundation.errors import InvalidInput, MalformedRequest
from foundation.idempotency_header import read_key
from foundation.models import client_scope
from reconciliation import accounts, actions, ingestion, readers, representations, selectors
from reconciliation.ingestion import Intake
from reconciliation.models import SettlementReport
from reconciliation.readers.base import Fault, MalformedReport, Reader

_CHUNK_BYTES: Final = 1 << 16
_OF_A_FILE: Final = ("account", "reader", "name", "since", "until", "whole_days")


@dataclass(frozen=True)
class Upload:
    """A body that is on disk, not in memory. Whoever gets it closes it."""

    file: BinaryIO


class CsvOnDisk(BaseParser):
    """`text/csv` as it comes, into a temporary file that has no name."""

    media_type = "text/csv"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002 - DRF's signature
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002 - DRF's signature
    ) -> Any:
        """An `Upload`. Raises `BodyTooLarge`, or `MalformedRequest` for one that is cut short."""
        file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - see Upload
        try:
            _spool(stream, file)
        except BaseException:
            file.close()
            raise
        return Upload(file)


class Settlements(APIView):
    """GET and POST /v1/settlements."""

    scopes = {"GET": "reports", "POST": "reconciliation:write"}
    parser_classes = (CsvOnDisk,)

    def get(self, request: Request) -> Response:
        """Newest first, by cursor; `account` filters."""
        query = lookup.asked(request.query_params, "account", *lookup.PAGE)
        rows = selectors.settlements(principal(request))
        if account := lookup.text(query, "account"):
            rows = rows.filter(account=account)
        found, following = lookup.page(
            rows, prefix="set", limit=query.get("limit", ""), cursor=query.get("cursor", "")
        )
        items = [representations.settlement(row) for row in found]
        return Response({"items": items, "next_cursor": following})

    def post(self, request: Request) -> HttpResponse:
        """Read the body as a whole, or store nothing of it; the query says what it is."""
        key, caller = read_key(request.headers.get("Idempotency-Key")), principal(request)
        selectors.refuse_unless_account_wide(caller)
        scope = client_scope(caller.client_id, "POST", "/v1/settlements")
        with _body(request) as file:
            query = lookup.asked(request.query_params, *_OF_A_FILE)
            intake, reader = _intake(query, by=caller.actor)
            sha256 = ingestion.sha256_of(file)
            reply = perform(
                actions.INGEST,
                Wish(scope, key, {**query, "sha256": sha256}),
                begin=lambda report_id: ingestion.read_in(
                    file, reader=reader, intake=intake, sha256=sha256, report_id=report_id
                ),
            )
        return stored(reply.answer, is_replay=reply.is_replay)


class OneSettlement(APIView):
    """GET /v1/settlements/{id}."""

    scopes = {"GET": "reports"}

    def get(self, request: Request, reference: str) -> HttpResponse:
        """The report."""
        rows = selectors.settlements(principal(request))
        row = lookup.one(rows, prefix="set", reference=reference)
        return tagged(request, representations.settlement(row))


def _spool(stream: IO[Any], file: BinaryIO) -> None:
    size = 0
    try:
        while chunk := stream.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > settings.SETTLEMENT_BYTES_MAX:
                raise BodyTooLarge(f"A report has at most {settings.SETTLEMENT_BYTES_MAX} bytes.")
            file.write(chunk)
    except UnreadablePostError as error:
        raise MalformedRequest("The body ended early.") from error


def _body(request: Request) -> BinaryIO:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length) > settings.SETTLEMENT_BYTES_MAX:
        raise BodyTooLarge(f"A report has at most {settings.SETTLEMENT_BYTES_MAX} bytes.")
    upload = request.data
    if not isinstance(upload, Upload):
        raise MalformedReport([Fault(1, "the body is empty")])
    return upload.file


def _intake(query: Mapping[str, str], *, by: str) -> tuple[Intake, Reader]:
    """What the query says of the file. Raises `InvalidInput` or `UnknownAccount`."""
    account = lookup.text(query, "account")
    accounts.refuse_unknown(account)
    name = lookup.text(query, "name") or "upload"
    if len(name) > 255:
        raise InvalidInput("name has at most 255 characters.", errors=[lookup.bad("name")])
    whole_days = _flag(query, "whole_days")
    window = ingestion.checked_window(
        _moment(query, "since"), _moment(query, "until"), tells_whole_days=whole_days
    )
    intake = Intake(
        account=account, origin=SettlementReport.Origin.UPLOAD, name=name, by=by, window=window,
        tells_whole_days=whole_days,
    )  # fmt: skip
    return intake, readers.of_account(account, lookup.text(query, "reader"))


def _flag(query: Mapping[str, str], name: str) -> bool:
    text = lookup.text(query, name)
    if text not in ("", "true", "false"):
        raise InvalidInput(f"{name} is true or false.", errors=[lookup.bad(name)])
    return text == "true"


def _moment(query: Mapping[str, str], name: str) -> dt.datetime | None:
    text = lookup.text(query, name)
    if not text:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
        moment = found.astimezone(dt.UTC) if found.tzinfo else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None:
        refused = [lookup.bad(name)]
        raise InvalidInput(f"{name} is RFC 3339 with a time zone.", errors=refused)
    return moment

"""What staff edit by hand, on record: Django's own log of it is shown on no page of the house."""

import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from foundation import audit
from foundation.desk.staff import who

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object


class OnRecord(_Admin):
    """Whatever Django tells its log, the audit is told too, in the same transaction."""

    def facts(self, row: Any) -> dict[str, Any]:  # noqa: ARG002 - for subclasses
        """What of the row is kept with each change of it."""
        return {}

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Made."""
        self._record(request, obj, "add", {"changed": message, **self.facts(obj)})
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Changed: also a password, set by somebody else."""
        self._record(request, obj, "change", {"changed": message, **self.facts(obj)})
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Gone."""
        for each in queryset:
            self._record(request, each, "delete", {})
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, row: Model, did: str, after: dict[str, Any]) -> None:
        kind = str(self.opts.model_name)
        audit.record(
            actor=who(request),
            action=f"{kind}.{did}",
            aggregate=f"{self.opts.app_label}.{kind}",  # no page shows it by such an id
            aggregate_id=row.pk if isinstance(row.pk, uuid.UUID) else uuid.UUID(int=row.pk),
            reason=f"{did}: {row}"[:500],
            before={},
            after=after,
        )

"""What staff are asked who bring a settlement report: a file, whose it is, of which time."""

from typing import Any, Final

from django import forms
from django.conf import settings

from foundation.desk.staff import page_of
from foundation.desk.uploads import Taken, Upload, bounded
from foundation.errors import DomainError
from reconciliation import readers
from reconciliation.ingestion import Intake, checked_window, ingest
from reconciliation.models import SettlementReport
from reconciliation.readers.base import MalformedReport


class UploadForm(forms.Form):
    """What is asked of whoever brings a file."""

    account = forms.ChoiceField(help_text="Whose report it is.")
    reader = forms.ChoiceField(
        choices=[("", "the account's usual one"), *((name, name) for name in readers.NAMES)],
        required=False,
    )
    file = forms.FileField(help_text="CSV in UTF-8; it is read whole, or nothing of it is stored.")
    since = forms.DateTimeField(
        required=False,
        help_text="Of which time it tells: UTC, such as 2026-03-10 00:00.",
    )
    until = forms.DateTimeField(required=False, help_text="UTC, exclusive.")
    whole_days = forms.BooleanField(
        required=False,
        help_text="Instead: it tells all of each day, from its first line's to its last's.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        account = self.fields["account"]
        assert isinstance(account, forms.ChoiceField)  # noqa: S101 - narrows the type
        account.choices = [(name, name) for name in sorted(settings.RECONCILIATION_ACCOUNTS)]

    def clean_file(self) -> Any:
        """Within the bounds of any upload."""
        return bounded(self.cleaned_data["file"], most=settings.SETTLEMENT_BYTES_MAX)


def _read(form: UploadForm, by: str) -> Taken | None:
    try:
        report = _ingested(form.cleaned_data, by=by)
    except MalformedReport as refused:
        form.add_error("file", [f"Line {each.line}: {each.reason}" for each in refused.faults])
    except DomainError as refused:
        form.add_error(None, f"{refused.title}. {refused.detail}")
    else:
        told = f"{report.line_count} lines were read, {report.new_line_count} of them new."
        return Taken(page_of("settlementreport", report.pk), told)
    return None


def _ingested(given: dict[str, Any], *, by: str) -> SettlementReport:
    return ingest(
        given["file"].file,
        reader=readers.of_account(given["account"], given["reader"]),
        intake=Intake(
            account=given["account"],
            origin=SettlementReport.Origin.UPLOAD,
            name=given["file"].name[:255],
            by=by,
            window=checked_window(
                given["since"], given["until"], tells_whole_days=given["whole_days"]
            ),
            tells_whole_days=given["whole_days"],
        ),
    )


REPORTS: Final = Upload(
    "Import a settlement report", "reconciliation.import_settlement", UploadForm, _read
)

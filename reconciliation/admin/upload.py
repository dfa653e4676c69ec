"""The page on which staff bring a settlement report: a file, whose it is, of which time."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from foundation.errors import DomainError
from foundation.staff import ReadOnlyAdmin, page_of, who
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
        file = self.cleaned_data["file"]
        if file.size > settings.SETTLEMENT_BYTES_MAX:
            raise forms.ValidationError(f"At most {settings.SETTLEMENT_BYTES_MAX} bytes.")
        return file


def upload(page: ReadOnlyAdmin, request: HttpRequest) -> HttpResponse:
    """The form; or, sent, the report it became. 422 with every bad line when it became none."""
    if not request.user.has_perm("reconciliation.import_settlement"):
        raise PermissionDenied
    form = UploadForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        report = _read(form, by=who(request))
        if report is not None:
            told = f"{report.line_count} lines were read, {report.new_line_count} of them new."
            messages.success(request, told)
            return HttpResponseRedirect(page_of("settlementreport", report.pk))
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": "Import a settlement report",
        "media": page.media,
        "form": form,
    }
    status = 422 if form.is_bound else 200
    return TemplateResponse(request, "reconciliation/admin/upload.html", context, status=status)


def _read(form: UploadForm, *, by: str) -> SettlementReport | None:
    """The report, or None with the reasons in the form."""
    given = form.cleaned_data
    try:
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
    except MalformedReport as refused:
        form.add_error("file", [f"Line {each.line}: {each.reason}" for each in refused.faults])
    except DomainError as refused:
        form.add_error(None, f"{refused.title}. {refused.detail}")
    return None

"""The page on which staff bring a file of conversions: whose sales they are, and how it is written.

Nothing that was imported can be taken back, so the page asks for a yes.
"""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from attribution.conversion_files import FORMATS, FileRefused
from attribution.importing import AlreadyImported, File, Imported, Layout, import_file
from foundation.models import ApiClient
from foundation.money import EXPONENTS
from foundation.staff import ReadOnlyAdmin, page_of, who


class UploadForm(forms.Form):
    """What is asked of whoever brings a file."""

    client = forms.ModelChoiceField(
        queryset=ApiClient.objects.order_by("name"), help_text="Whose orders these are."
    )
    format = forms.ChoiceField(
        choices=[(name, name) for name in sorted(FORMATS)], initial="plain",
        help_text="plain: our own headings; ga4: its report as CSV; bigquery: GA4's tables as CSV.",
    )  # fmt: skip
    currency = forms.CharField(
        required=False, max_length=3, help_text="For a file that does not name it, such as EUR."
    )
    file = forms.FileField(help_text="CSV in UTF-8; it is read whole, or nothing of it is stored.")
    sure = forms.BooleanField(
        label="I have looked at this file",
        help_text="What was imported stays: each sale counts against this client's orders.",
    )

    def clean_currency(self) -> str:
        """A code of ISO 4217, or none."""
        code: str = self.cleaned_data["currency"].upper()
        if code and code not in EXPONENTS:
            raise forms.ValidationError("This is no ISO 4217 code.")
        return code

    def clean_file(self) -> Any:
        """Within the bounds of a page; larger ones come by command."""
        file = self.cleaned_data["file"]
        if file.size > settings.CONVERSIONS_FILE_BYTES_MAX:
            raise forms.ValidationError(
                f"At most {settings.CONVERSIONS_FILE_BYTES_MAX} bytes; larger ones are imported "
                "by manage.py import_conversions."
            )
        return file


def upload(page: ReadOnlyAdmin, request: HttpRequest) -> HttpResponse:
    """The form; or, sent, the batch it became. 422 with the bad lines when it became none."""
    if not request.user.has_perm("attribution.import_conversions"):
        raise PermissionDenied
    form = UploadForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        done = _read(form, by=who(request))
        if done is not None:
            told = f"{done.rows} sales were imported, {done.skipped} rows were none."
            messages.success(request, told)
            return HttpResponseRedirect(page_of("conversionbatch", done.batch_id))
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": "Import conversions",
        "media": page.media,
        "form": form,
    }
    status = 422 if form.is_bound else 200
    return TemplateResponse(request, "attribution/admin/upload.html", context, status=status)


def _read(form: UploadForm, *, by: str) -> Imported | None:
    """What was imported, or None with the reasons in the form."""
    given = form.cleaned_data
    file = File(given["file"].file, given["file"].name, given["client"].pk, by=by)
    try:
        return import_file(file, Layout(given["format"], currency=given["currency"]))
    except FileRefused as refused:
        form.add_error("file", [f"Line {bad.line}: {bad.reason}" for bad in refused.bad_lines])
    except AlreadyImported:
        form.add_error("file", "This very file was imported before: nothing was imported.")
    return None

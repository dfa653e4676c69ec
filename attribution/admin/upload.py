"""What staff are asked who bring a file of conversions: whose sales they are, how it is written.

Nothing that was imported can be taken back, so the page asks for a yes.
"""

from typing import Any, Final

from django import forms
from django.conf import settings

from attribution.conversion_files import FORMATS, FileRefused
from attribution.importing import AlreadyImported, File, Layout, import_file
from foundation.desk.staff import page_of
from foundation.desk.uploads import Taken, Upload, bounded
from foundation.models import ApiClient
from foundation.money import EXPONENTS


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
        return bounded(
            self.cleaned_data["file"],
            most=settings.CONVERSIONS_FILE_BYTES_MAX,
            otherwise="; larger ones are imported by manage.py import_conversions",
        )


def _read(form: UploadForm, by: str) -> Taken | None:
    given = form.cleaned_data
    file = File(given["file"].file, given["file"].name, given["client"].pk, by=by)
    try:
        done = import_file(file, Layout(given["format"], currency=given["currency"]))
    except FileRefused as refused:
        form.add_error("file", [f"Line {bad.line}: {bad.reason}" for bad in refused.bad_lines])
    except AlreadyImported:
        form.add_error("file", "This very file was imported before: nothing was imported.")
    else:
        told = f"{done.rows} sales were imported, {done.skipped} rows were none."
        return Taken(page_of("conversionbatch", done.batch_id), told)
    return None


CONVERSIONS: Final = Upload(
    "Import conversions", "attribution.import_conversions", UploadForm, _read
)

"""The page on which staff bring a file: a form; sent, what it became, or why it became nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from foundation.desk.staff import ReadOnlyAdmin, who


@dataclass(frozen=True)
class Taken:
    """What was read: the page of the row that it became, and what to say of it."""

    address: str
    told: str


@dataclass(frozen=True)
class Upload:
    """One kind of file: who may bring it, what is asked of him, and the verb that reads it.

    `read(form, by)` is called with a valid form outside of any transaction. It answers None when
    nothing was stored, with the reasons in the form.
    """

    title: str
    permission: str
    form: type[forms.Form]
    read: Callable[[Any, str], Taken | None]


def route(page: ReadOnlyAdmin, upload: Upload) -> URLPattern:
    """Its address beside the list: Django's own form views wrap theirs in a transaction."""

    def view(request: HttpRequest) -> HttpResponse:
        return _answer(page, request, upload)

    name = f"{page.opts.app_label}_{page.opts.model_name}_upload"
    return path("upload/", page.admin_site.admin_view(view), name=name)


def _answer(page: ReadOnlyAdmin, request: HttpRequest, upload: Upload) -> HttpResponse:
    """GET asks; POST reads the file, and is a 422 with every reason when it became nothing."""
    if not request.user.has_perm(upload.permission):
        raise PermissionDenied
    form = upload.form(request.POST or None, request.FILES or None)
    taken = upload.read(form, who(request)) if form.is_valid() else None
    if taken is not None:
        messages.success(request, taken.told)
        return HttpResponseRedirect(taken.address)
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "title": upload.title,
        "media": page.media,
        "form": form,
    }
    status = 422 if form.is_bound else 200
    return TemplateResponse(request, "foundation/admin/upload.html", context, status=status)


def bounded(file: Any, *, most: int, otherwise: str = "") -> Any:
    """The file, if it is no larger than a page takes. Raises `ValidationError`."""
    if file.size > most:
        raise forms.ValidationError(f"At most {most} bytes{otherwise}.")
    return file

"""The answer to a form with an outdated CSRF token: the form again, with what was typed. Nothing is saved."""

from copy import copy
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from console.kept_form import form_page, logged_out_page, typed_texts
from events import positions
from events.visibility import readable_types
from web.origins import is_from_own_page

_OUTDATED = _("You have logged in since you opened this page. Check what you typed, then save again.")


class OutdatedForm:
    """Refuses whatever was typed, which makes its page show it again."""

    def clean(self) -> Any:
        cleaned = super().clean()  # type: ignore[misc]  # a mixin of forms
        self.add_error(None, ValidationError(_OUTDATED, code="Outdated"))  # type: ignore[attr-defined]
        return cleaned


class OutdatedPages:
    """Pages of a model whose forms save nothing."""

    def get_form(self, *args: Any, **options: Any) -> Any:
        form = super().get_form(*args, **options)  # type: ignore[misc]  # a mixin of pages
        return type(form.__name__, (OutdatedForm, form), {})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """What a browser shows instead of Django's bare page; a page of another site gets nothing that was typed."""
    if not request.path_info.startswith(reverse("admin:index")):
        return HttpResponseForbidden("Refused: the CSRF token is missing or wrong.", content_type="text/plain")
    if not is_from_own_page(request):
        return _refused(request)
    if request.path_info == reverse("admin:login"):
        return HttpResponseRedirect(request.get_full_path())
    if not admin.site.has_permission(request):
        return logged_out_page(request) or _refused(request)
    return _form_again(request) or _refused(request, typed_texts(request.POST))


def _form_again(request: HttpRequest) -> HttpResponse | None:
    """The form that was sent, as it was filled in; None if the address has no form of an object."""
    name, pages = form_page(request)
    if pages is None or request.resolver_match is None:
        return None
    pages = copy(pages)
    pages.__class__ = type("Outdated", (OutdatedPages, type(pages)), {})
    # Django checks the token once more in front of the form, which saves nothing.
    request.csrf_processing_done = True  # type: ignore[attr-defined]
    try:
        view = pages.add_view if name == "add" else pages.change_view
        answer = view(request, *request.resolver_match.args, **request.resolver_match.kwargs)
    except (PermissionDenied, Http404):
        return None
    if not isinstance(answer, TemplateResponse):
        return answer  # type: ignore[no-any-return]  # a page that needs no form, such as that of a deleted object
    position = positions.last() if readable_types(request.user) else None
    answer.context_data = (answer.context_data or {}) | {"live_position": position}
    answer.status_code = HttpResponseForbidden.status_code
    return answer


def _refused(request: HttpRequest, texts: Any = ()) -> HttpResponse:
    return render(request, "console/outdated.html", {"texts": texts}, status=HttpResponseForbidden.status_code)

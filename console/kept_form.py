"""What a user has typed into a form that cannot be saved at the moment. Secrets are never given back."""

import re
from collections.abc import Iterator
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, QueryDict
from django.shortcuts import render
from django.urls import reverse

from web.origins import is_from_own_page

_SECRET: Final = re.compile(r"secret|password|^value$|csrf", re.IGNORECASE)
_FORMS: Final = frozenset({"add", "change"})


def form_page(request: HttpRequest) -> tuple[str, Any]:
    """Whether an object is added or changed at the requested address, and its pages; None for other addresses."""
    match = request.resolver_match
    name = (match.url_name or "").rpartition("_")[2] if match else ""
    return name, getattr(match.func, "model_admin", None) if match and name in _FORMS else None


def typed_texts(sent: QueryDict) -> list[tuple[str, str]]:
    """The name and text of each field, but for secrets and for what no user has typed."""
    return [(name, text) for name, text in _kept(sent) if text.strip() and not name.startswith("_")]


def logged_out_page(request: HttpRequest) -> HttpResponse | None:
    """The answer to a form whose session has ended: the page keeps it until the user has logged in again.

    None where nothing would be lost, and for a page of another site.
    """
    is_anonymous = not request.user.is_authenticated
    if request.method != "POST" or form_page(request)[1] is None or not (is_anonymous and is_from_own_page(request)):
        return None
    # Without a token, `csrf_failure` answers it with the form, and nothing is saved before the user has seen it.
    context = {"kept": list(_kept(request.POST)), "log_in": f"{reverse('admin:login')}?next={reverse('admin:index')}"}
    answer = render(request, "console/logged_out_form.html", context, status=HttpResponseForbidden.status_code)
    answer["Cache-Control"] = "no-store"
    return answer


def _kept(sent: QueryDict) -> Iterator[tuple[str, str]]:
    for name, values in sent.lists():
        if not _SECRET.search(name):
            yield from ((name, str(value)) for value in values)

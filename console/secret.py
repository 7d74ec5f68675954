"""The page that shows a new secret: the answer to the request that made it, and kept by nobody."""

from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from access.console import UnfoldAdmin


def secret_page(pages: UnfoldAdmin, request: HttpRequest, obj: Model, secret: str, what: str) -> HttpResponse:
    """The answer with the `secret` of `obj`; `what` has happened to it."""
    context = object_context(pages, request, obj) | {"title": "Secret", "secret": secret, "what": what}
    return TemplateResponse(request, "console/secret.html", context, headers={"Cache-Control": "no-store"})


def object_context(pages: UnfoldAdmin, request: HttpRequest, obj: Model) -> dict[str, Any]:
    """What the template of a page about `obj` needs to know."""
    return {**pages.admin_site.each_context(request), "opts": pages.opts, "original": obj, "media": pages.media}

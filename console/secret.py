"""The page that shows a new secret: the answer to the request that made it, and kept by nobody.

A form that makes a secret carries a ticket: the id, signed, that the new object is going to have. However often the
form is sent, it makes one object.
"""

import uuid
from typing import Any, Final

from django import forms
from django.core import signing
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from access.pages import UnfoldAdmin
from console.forms import NotShownField

_SALT: Final = "console.new"


def new_ticket() -> str:
    """What a form of a new object carries: the id that the object is going to have, signed."""
    return signing.dumps(uuid.uuid4().hex, salt=_SALT)


def ticket_id(ticket: str) -> uuid.UUID | None:
    """The id in a form's ticket; None where it is not ours."""
    try:
        return uuid.UUID(hex=signing.loads(ticket, salt=_SALT))
    except signing.BadSignature:
        return None


class TicketField(NotShownField):
    """The ticket of a form."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput, initial=new_ticket)


def secret_page(pages: UnfoldAdmin, request: HttpRequest, obj: Model, secret: str, what: str) -> HttpResponse:
    """The answer with the `secret` of `obj`; `what` has happened to it."""
    context = object_context(pages, request, obj) | {"title": _("Secret"), "secret": secret, "what": what}
    return TemplateResponse(request, "console/secret.html", context, headers={"Cache-Control": "no-store"})


def shown_before_page(pages: UnfoldAdmin, request: HttpRequest, obj: Model, **context: str) -> HttpResponse:
    """The answer to a form that has made `obj` already; `rotate_page` is where it gets another secret, if anywhere."""
    known = object_context(pages, request, obj) | {"title": _("Secret")} | context
    return TemplateResponse(request, "console/shown_before.html", known, status=409)


def object_context(pages: UnfoldAdmin, request: HttpRequest, obj: Model) -> dict[str, Any]:
    """What the template of a page about `obj` needs to know."""
    return {**pages.admin_site.each_context(request), "opts": pages.opts, "original": obj, "media": pages.media}

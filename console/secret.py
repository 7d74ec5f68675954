"""New secrets: made by a form that works once, shown in the answer to it, kept by nobody.

Such a form carries a ticket: the signed id of the object that it will create. However often the form is sent, it
creates one object.
"""

import uuid
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django import forms
from django.core import signing
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from console.named_rows import NamedRows

_SALT: Final = "console.new"


def new_ticket() -> str:
    return signing.dumps(uuid.uuid4().hex, salt=_SALT)


def ticket_id(ticket: str) -> uuid.UUID | None:
    """The id in a form's ticket; None where we have not signed it."""
    try:
        return uuid.UUID(hex=signing.loads(ticket, salt=_SALT))
    except signing.BadSignature:
        return None


class TicketField(forms.CharField):
    """The ticket of a form."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput, initial=new_ticket)


@dataclass(frozen=True)
class NextStep:
    """What to do next with an object whose secret has been saved."""

    title: str
    page: str


class SecretPages(NamedRows):
    """Pages whose add form leads to the page with the new secret."""

    secret_title: ClassVar[Any]
    """What the page with the secret says above it; takes the name of the object."""
    rotate_page: ClassVar[str] = ""
    """The page that gives an object another secret, if there is one."""
    kind_of_page: ClassVar[str] = "change"
    """The page of the object to which the one with the secret leads."""
    new_secret = ""
    """The secret that this request has made; set on the copy of the pages that serves the request."""

    def made_before(self, request: HttpRequest) -> Any:
        """The object that this form has already created; None unless the form was sent before."""
        made_id = ticket_id(request.POST.get("ticket", ""))
        return self.get_queryset(request).filter(pk=made_id).first() if made_id else None

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The add form. Saving leads to the page with the secret and nowhere else."""
        if self.has_add_permission(request) and (made := self.made_before(request)) is not None:
            return self.shown_before_page(request, made)
        buttons = {"show_save_and_continue": False, "show_save_and_add_another": False}
        # All threads share these pages. The copy keeps what belongs to one request.
        return super(SecretPages, copy(self)).add_view(request, form_url, buttons | (extra_context or {}))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return self.secret_page(request, obj, self.new_secret)

    def next_steps(self, request: HttpRequest, obj: Any) -> Sequence[NextStep]:
        """What the page with the secret offers to do next."""
        return ()

    def secret_page(self, request: HttpRequest, obj: Model, secret: str) -> HttpResponse:
        words = {"title": _("Secret"), "heading": self.secret_title % obj, "secret": secret}
        steps = self.next_steps(request, obj)
        context = self.object_context(request, obj, next_steps=steps, object_page=self._page(obj), **words)
        return TemplateResponse(request, "console/secret.html", context, headers={"Cache-Control": "no-store"})

    def shown_before_page(self, request: HttpRequest, obj: Model) -> HttpResponse:
        """The answer to a form that has created `obj` already."""
        rotate_page = reverse(self.rotate_page, args=[obj.pk]) if self.rotate_page else ""
        further = {"rotate_page": rotate_page, "object_page": self._page(obj)}
        context = self.object_context(request, obj, title=_("Secret"), **further)
        return TemplateResponse(request, "console/shown_before.html", context, status=409)

    def _page(self, obj: Model) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{self.kind_of_page}", args=[obj.pk])

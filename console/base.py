"""Pages whose every save goes through `save_checked`."""

from copy import copy
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from console.blockers import used_by
from console.deletion import CheckedDeletion
from console.forms import INPUT, CheckedForm, typed_into
from console.lists import ObjectList
from console.object_pages import ReadablePages
from events.models import Verb
from events.visibility import readable_events
from foundation.ids import parse_uuid
from objects.changes import save_checked
from search.query import in_order, matching_ids

MOST_FOUND = 500
"""How many objects a search in the console shows at most, the most relevant ones."""


class CheckedAdmin(ReadablePages, CheckedDeletion, ObjectList):
    """List, form and delete pages of an authored object. A refused change becomes an error on its form."""

    is_live = True
    warn_unsaved_form = True
    form = CheckedForm
    formfield_overrides: ClassVar[Any] = {
        models.CharField: {"widget": forms.TextInput(INPUT)},
        models.TextField: {"widget": forms.Textarea(INPUT | {"rows": 2})},
        models.IntegerField: {"widget": forms.NumberInput(INPUT)},
    }
    mirrored: ClassVar = ""
    """The kind of these objects in the mirror, if it has them."""
    refusal: ValidationError | None = None
    """Why the save of this request was refused; set on the copy of the pages that serves the request."""

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """What the mirror finds, the most relevant first; what the database finds where the mirror cannot answer."""
        found = matching_ids(self.mirrored, search_term, request.user, MOST_FOUND) if self.mirrored else None
        if found is None or not found.is_from_mirror:
            return super().get_search_results(request, queryset, search_term)
        # An order that the user has chosen goes before relevance.
        return in_order(queryset, found.ids) if "o" not in request.GET else queryset.filter(pk__in=found.ids), False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.content

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows the user and, after a refused save, the reason."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"user": request.user, "refusal": self.refusal})

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The object. While a change is under way its row is locked, so that the change starts from what is stored.

        Raises:
            Http404: there is none to show; a form that was sent for it may give back what was typed.
        """
        found = super().get_object(request, object_id, from_field)
        if found is None and request.method != "POST":
            raise Http404
        # Outside a transaction there is nothing to lock for: the request only shows the object.
        if found is None or request.method != "POST" or not transaction.get_connection().in_atomic_block:
            return found
        try:
            found.refresh_from_db(from_queryset=self.model._base_manager.select_for_update())
        except self.model.DoesNotExist:
            return None
        return found

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        """The form; users who may only view the object read it instead.

        A refused save has been rolled back completely: the form is shown again with the reason.
        """
        is_to_read = request.method != "POST" and not self.has_change_permission(request)
        if object_id is not None and is_to_read:
            return self.readable_page(request, object_id)
        if object_id is not None and self._is_gone(request, object_id):
            return self.gone_page(request, object_id)
        # All threads share these pages. The copy keeps what belongs to one request.
        pages = copy(self)
        try:
            return super(CheckedAdmin, pages).changeform_view(request, object_id, form_url, extra_context)
        except ValidationError as refusal:
            pages.refusal = refusal
            return super(CheckedAdmin, pages).changeform_view(request, object_id, form_url, extra_context)

    def _is_gone(self, request: HttpRequest, object_id: str) -> bool:
        """Whether the form of an object was sent that does not exist any more."""
        is_sent = request.method == "POST" and self.has_change_permission(request)
        return is_sent and self.get_object(request, unquote(object_id)) is None

    def gone_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The answer to the form of a deleted object: what was typed, to be copied."""
        form = self.get_form(request, self.model(), change=True)(request.POST)
        known_id = parse_uuid(unquote(object_id))
        deletes = readable_events(request.user).filter(verb=Verb.DELETED)
        deleted = deletes.filter(object_id=known_id).first() if known_id else None
        context = {"title": _("Deleted"), "opts": self.opts, "deleted": deleted, "texts": typed_into(form)}
        context |= self.admin_site.each_context(request)
        return TemplateResponse(request, "console/objects/gone.html", context, status=404)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None:
            # The form may have filled the object with what was not saved.
            stored = self.model._base_manager.filter(pk=obj.pk).first() or obj
            context["head"] = self.head_of(request, stored)
            if self.apis_filter:
                context["used_by"] = used_by(request.user, obj)
        return super().render_change_form(request, context, *args, **kwargs)

    def response_post_save_add(self, request: HttpRequest, obj: Any) -> HttpResponseRedirect:
        """The page of the object: one sees what was made, and what to do next."""
        return HttpResponseRedirect(self.page_of(obj, "view"))

    response_post_save_change = response_post_save_add

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Says so if the form has changed nothing."""
        if obj.changes:
            return super().response_change(request, obj)
        self.message_user(request, _("Nothing has changed."), messages.INFO)
        if "_continue" in request.POST:
            return HttpResponseRedirect(request.path)
        return self.response_post_save_change(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.store(obj, form, by=request.user.get_username())

    def store(self, obj: Any, form: Any, by: str) -> None:
        """Save `obj` as the form has filled it in.

        Raises:
            ValidationError: a rule refuses it.
        """
        save_checked(obj, by)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Do nothing: `store` has saved it."""

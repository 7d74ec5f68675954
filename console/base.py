"""Pages whose every save goes through the one checked way."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from console.deletion import CheckedDeletion
from console.forms import CheckedForm
from console.object_pages import ReadablePages
from console.templatetags.console import local_time
from objects.changes import save_checked
from search.query import SearchResult, in_order, matching_ids

MOST_FOUND = 500
"""So many objects a search in the console shows, the most relevant ones."""

AUTHORSHIP = ("id", "created_by", "made_at", "last_modified_by", "changed_at")


class CheckedAdmin(ReadablePages, CheckedDeletion):
    """List, form and delete pages of an authored object; a refused change is an error on its form."""

    is_live = True
    form = CheckedForm
    readonly_fields: ClassVar[tuple[str, ...]] = AUTHORSHIP
    content: ClassVar[Sequence[str]] = ()
    """The fields that a user fills in."""
    mirrored: ClassVar = ""
    """How the mirror calls these objects; nothing where it has none of them."""

    @admin.display(description=_("created at"))
    def made_at(self, obj: Any) -> SafeString:
        """When it was made."""
        return local_time(obj.created_at)

    @admin.display(description=_("last modified"))
    def changed_at(self, obj: Any) -> SafeString:
        """When it was changed last."""
        return local_time(obj.last_modified)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        """What the mirror finds, the most relevant first; without one, or where it has none of these, the database."""
        found = matching_ids(self.mirrored, search_term, request.user, MOST_FOUND) if self.mirrored else SearchResult()
        request.search_result = found  # type: ignore[attr-defined]  # for the page, which may say what matches
        if not found.is_from_mirror:
            return super().get_search_results(request, queryset, search_term)
        return in_order(queryset, found.ids) if "o" not in request.GET else queryset.filter(pk__in=found.ids), False

    def get_content(self, request: HttpRequest, obj: Any) -> Sequence[str]:
        """The fields of the page for this user."""
        return self.content

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """The content, and for an object that exists who made and changed it."""
        content = (None, {"fields": self.get_content(request, obj)})
        return [content] if obj is None else [content, (_("Authorship"), {"fields": AUTHORSHIP})]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, told who fills it in and why his save was refused, if it was."""
        form = super().get_form(request, obj, change=change, **kwargs)
        known = {"user": request.user, "refusal": getattr(request, "refusal", None)}
        return type(form.__name__, (form,), known)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The object; its row is held while a change is under way, so that nothing read before can be saved over it."""
        found = super().get_object(request, object_id, from_field)
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
        """The form. A save that was refused has been rolled back whole; the form is shown again and says why."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ValidationError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]  # for get_form
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save it checked, in the name of the user."""
        self.store(obj, form, by=request.user.get_username())

    def store(self, obj: Any, form: Any, by: str) -> None:
        """Save `obj` as the form has filled it in.

        Raises:
            ValidationError: a rule refuses it.
        """
        save_checked(obj, by)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is left to save."""

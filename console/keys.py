"""The pages of personal keys: to each user his own. A key is shown in the answer that makes it, and nowhere else."""

from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from access.console import UnfoldAdmin
from access.policy import may_enter
from console.forms import ModelForm
from console.secret import TicketField, secret_page, shown_before_page, ticket_id
from console.templatetags.console import local_time
from keys.changes import check_key, create_key
from keys.models import DEFAULT_DAYS, LONGEST_DAYS, PersonalKey

_PLACES: Final = {"InvalidName": "name", "InvalidField": "days"}


class KeyForm(ModelForm):
    """A new key. The same form makes it once, however often it is sent."""

    days = forms.IntegerField(
        label=gettext_lazy("Expires in (days)"),
        initial=DEFAULT_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=format_lazy(gettext_lazy("1 to {}."), LONGEST_DAYS),
    )
    ticket = TicketField()

    def clean(self) -> dict[str, Any]:
        """Refuse what the rules of keys refuse, each at its field."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            self._check(cleaned)
        return cleaned

    def _check(self, cleaned: dict[str, Any]) -> None:
        try:
            check_key(cleaned["name"], cleaned["days"])
        except ValidationError as error:
            for one in error.error_list:
                self.add_error(_PLACES[one.code or ""], one)


class KeyAdmin(UnfoldAdmin):
    """The user's own personal keys: made, looked at and deleted, never changed. Those of others are not here."""

    form = KeyForm
    list_display = ("name", "made_at", "ends_at")
    ordering = ("name", "public_id")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[PersonalKey]":
        """The user's own."""
        keys: QuerySet[PersonalKey] = super().get_queryset(request)
        return keys.filter(user=request.user)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> PersonalKey:
        """One of the user's own.

        Raises:
            Http404: he has none like this.
        """
        found: PersonalKey | None = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """The address of the list must not answer questions about keys."""
        return not lookup.startswith(("digest", "token_key")) and super().lookup_allowed(lookup, value, request)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What makes a key, and what it is from then on."""
        return ("name", "days", "ticket") if obj is None else ("name", "made_at", "ends_at")

    @admin.display(description=gettext_lazy("created"), ordering="created")
    def made_at(self, obj: PersonalKey) -> SafeString:
        """When it was made."""
        return local_time(obj.created)

    @admin.display(description=gettext_lazy("expires"), ordering="expiry")
    def ends_at(self, obj: PersonalKey) -> SafeString:
        """When it ends."""
        return local_time(obj.expiry)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody in the console has keys of his own."""
        return may_enter(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Everybody finds them in the menu."""
        return may_enter(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Everybody may make one."""
        return may_enter(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody may delete his own."""
        return may_enter(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing of a key can be changed."""
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The form of a new key; it can only be left through the page with the key.

        Raises:
            PermissionDenied: the form was given to somebody else, who has used it.
        """
        made = self._made_before(request)
        if made is not None:
            return shown_before_page(self, request, made)
        buttons = {"show_save_and_continue": False, "show_save_and_add_another": False}
        try:
            return super().add_view(request, form_url, buttons | (extra_context or {}))
        except IntegrityError:
            # The same form was sent twice at the same moment; the other request has shown the key.
            made = self._made_before(request)
            if made is None:
                raise PermissionDenied from None
            return shown_before_page(self, request, made)

    def save_model(self, request: HttpRequest, obj: PersonalKey, form: Any, change: bool) -> None:
        """Make the key, and hand it on to the answer."""
        wanted = form.cleaned_data
        made, key = create_key(request.user, wanted["name"], wanted["days"], ticket_id(wanted["ticket"]))
        obj.public_id = made.public_id
        request.new_key = key  # type: ignore[attr-defined]  # for response_add

    def response_add(
        self, request: HttpRequest, obj: PersonalKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page with the key."""
        key: str = request.new_key  # type: ignore[attr-defined]
        return secret_page(self, request, obj, key, _("was created:"))

    def _made_before(self, request: HttpRequest) -> PersonalKey | None:
        made_id = ticket_id(request.POST.get("ticket", ""))
        return self.get_queryset(request).filter(pk=made_id).first() if made_id else None

"""The pages of personal keys: the user's own, for superusers those of all. A key is shown once, when it is made."""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from access.pages import UnfoldAdmin
from access.policy import manages_people, may_enter
from console.forms import ModelForm
from console.secret import TicketField, secret_page, shown_before_page, ticket_id
from console.templatetags.console import local_time
from keys.changes import check_key, create_key, end_keys
from keys.models import DEFAULT_DAYS, LONGEST_DAYS, PersonalKey

_PLACES: Final = {"InvalidName": "name", "InvalidField": "days"}
_OWNER: Final[dict[bool, tuple[str, ...]]] = {True: ("user",), False: ()}


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
    """Personal keys: made, looked at and deleted, never changed. Only superusers find those of others here."""

    form = KeyForm
    ordering = ("name", "public_id")
    list_select_related = ("user",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[PersonalKey]":
        """The user's own; all of them for a superuser."""
        keys: QuerySet[PersonalKey] = super().get_queryset(request)
        return keys if manages_people(request.user) else keys.filter(user=request.user)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Whose keys they are, where there are keys of several users."""
        return ("name", *_OWNER[manages_people(request.user)], "made_at", "ends_at")

    def get_list_filter(self, request: HttpRequest) -> tuple[str, ...]:
        """Likewise."""
        return _OWNER[manages_people(request.user)]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> PersonalKey:
        """One of the keys that the user may see.

        Raises:
            Http404: there is none like this.
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
        return ("name", "days", "ticket") if obj is None else ("name", "user", "made_at", "ends_at")

    @admin.display(description=gettext_lazy("created"), ordering="created")
    def made_at(self, obj: PersonalKey) -> SafeString:
        """When it was made."""
        return local_time(obj.created)

    @admin.display(description=gettext_lazy("expires"), ordering="expiry")
    def ends_at(self, obj: PersonalKey) -> SafeString:
        """When it ends."""
        return local_time(obj.expiry)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody in the console has keys of their own."""
        return may_enter(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Everybody finds them in the menu."""
        return may_enter(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Everybody may make one."""
        return may_enter(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Everybody may delete the keys that they see."""
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
        except ValidationError as refusal:
            # What the form could not know: how many keys there are.
            self.message_user(request, " ".join(refusal.messages), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:keys_personalkey_changelist"))
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

    def delete_model(self, request: HttpRequest, obj: PersonalKey) -> None:
        """End the key, in the name of the user."""
        end_keys(PersonalKey.objects.filter(pk=obj.pk), f"by '{request.user.get_username()}'")

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[PersonalKey]") -> None:
        """End the keys, in the name of the user."""
        end_keys(queryset, f"by '{request.user.get_username()}'")

    def response_add(
        self, request: HttpRequest, obj: PersonalKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page with the key."""
        key: str = request.new_key  # type: ignore[attr-defined]
        return secret_page(self, request, obj, key, _("was created:"))

    def _made_before(self, request: HttpRequest) -> PersonalKey | None:
        made_id = ticket_id(request.POST.get("ticket", ""))
        return self.get_queryset(request).filter(pk=made_id, user=request.user).first() if made_id else None

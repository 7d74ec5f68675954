"""The pages of personal keys: the user's own, for superusers everybody's. A new key is shown once."""

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from access.policy import Action, AnyUser, manages_people, may_enter
from console.changes_page import ChangesPages
from console.list_pages import ListPages
from console.lists import TextFilter, column
from console.secret import SecretPages, TicketField, ticket_id
from console.templatetags.console import local_time, time_ago
from keys.changes import check_key, create_key, end_keys
from keys.models import DEFAULT_DAYS, LONGEST_DAYS, PersonalKey

_PLACES: Final = {"InvalidName": "name", "InvalidField": "days"}


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]  # takes no argument at run time
    """A new key. However often the form is sent, it creates one key."""

    days = forms.IntegerField(
        label=_("Expires in (days)"),
        initial=DEFAULT_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=format_lazy(_("1 to {}."), LONGEST_DAYS),
    )
    ticket = TicketField()

    def clean(self) -> dict[str, Any]:
        """Assign the errors of the rules to the fields."""
        cleaned: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                check_key(cleaned["name"], cleaned["days"])
            except ValidationError as error:
                for one in error.error_list:
                    self.add_error(_PLACES[one.code or ""], one)
        return cleaned


class OwnerFilter(TextFilter):
    """Whose keys they are."""

    title = _("user")
    parameter_name = "user"
    looks_at = ("user__username",)


class KeyAdmin(ChangesPages, SecretPages, ListPages):
    """Personal keys: every user of the console creates, views and deletes their own. No key can be changed."""

    offers: ClassVar[frozenset[Action]] = frozenset({"view", "add", "delete"})
    form = KeyForm
    confidential = ("digest", "token_key")
    list_display = ("name", "user", "made", "ends")
    row_page = "change"
    search_fields = ("name",)
    search_hint = _("Search by name")
    ordering = ("name", "public_id")
    list_select_related = ("user",)
    secret_title = _('Your personal key "%s"')
    empty_icon = "vpn_key"
    empty_title = _("No personal keys yet")
    empty_text = _("With a personal key your own programs use the management API with your permissions.")

    def permits(self, user: AnyUser, action: Action) -> bool:
        return may_enter(user)

    def sees_changes(self, request: HttpRequest) -> bool:
        """Whoever sees a key: their own, or a superuser."""
        return True

    def get_queryset(self, request: HttpRequest) -> "QuerySet[PersonalKey]":
        keys: QuerySet[PersonalKey] = super().get_queryset(request)
        return keys if manages_people(request.user) else keys.filter(user=request.user)

    def available_columns(self, request: HttpRequest) -> list[str]:
        """Superusers see whose keys they are."""
        return [name for name in self.list_display if name != "user" or manages_people(request.user)]

    def get_list_filter(self, request: HttpRequest) -> tuple[type[OwnerFilter], ...]:
        """Superusers see whose keys they are."""
        return (OwnerFilter,) if manages_people(request.user) else ()

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> PersonalKey:
        """One of the keys that the user may see.

        Raises:
            Http404: there is no such key.
        """
        found: PersonalKey | None = super().get_object(request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "days", "ticket") if obj is None else ("name", "user", "made_at", "ends_at")

    made = column("created", _("created"), time_ago)
    ends = column("expiry", _("expires"), time_ago)
    made_at = column("created", _("created"), local_time)
    ends_at = column("expiry", _("expires"), local_time)

    def made_before(self, request: HttpRequest) -> Any:
        """The user's own key that this form has created already. Superusers find only theirs, too."""
        made = super().made_before(request)
        return made if made and made.user_id == request.user.pk else None

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The add form.

        Raises:
            PermissionDenied: the form belongs to another user, who has sent it.
        """
        try:
            return super().add_view(request, form_url, extra_context)
        except ValidationError as refusal:
            # Only the save knows how many keys there are.
            self.message_user(request, " ".join(refusal.messages), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:keys_personalkey_changelist"))
        except IntegrityError:
            # The form was sent twice at the same moment; the other request has shown the key.
            made = self.made_before(request)
            if made is None:
                raise PermissionDenied from None
            return self.shown_before_page(request, made)

    def save_model(self, request: HttpRequest, obj: PersonalKey, form: Any, change: bool) -> None:
        wanted = form.cleaned_data
        made, self.new_secret = create_key(request.user, wanted["name"], wanted["days"], ticket_id(wanted["ticket"]))
        # `create_key` has saved a key of its own; the history names this one.
        obj.public_id = made.public_id

    def delete_model(self, request: HttpRequest, obj: PersonalKey) -> None:
        self.delete_queryset(request, PersonalKey.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[PersonalKey]") -> None:
        end_keys(queryset, f"by '{request.user.get_username()}'")

"""The pages of API tokens. A secret is shown in the answer to the request that sets it, and nowhere else."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters
from unfold.decorators import action

from access.policy import DEFINITION, allows
from console.base import CheckedAdmin
from console.blockers import count_rows
from console.lists import AUTHORSHIP_COLUMNS, with_rights
from console.secret import SecretPages, ticket_id
from console.tokens.columns import FILTERS, TokenColumns
from console.tokens.forms import NewTokenForm, RotateForm, TokenForm
from definitions.models import AllowedToken
from objects.changes import save_checked
from search.models import TOKENS
from tokens.models import ApiToken

_hide_secret = method_decorator(sensitive_post_parameters("secret"))


def switch(token_id: UUID, *, is_disabled: bool, by: str) -> ApiToken | None:
    """Enable or disable a token. None where it does not exist or is in that state already.

    Raises:
        ValidationError: a rule refuses it.
    """
    with transaction.atomic():
        token = ApiToken._base_manager.select_for_update().filter(pk=token_id).first()
        if token is None or token.is_disabled == is_disabled:
            return None
        token.is_disabled = is_disabled
        return save_checked(token, by)


class TokenAdmin(TokenColumns, SecretPages, CheckedAdmin):
    """API tokens, by which clients are known."""

    apis_filter = "token"
    content: ClassVar = ("name", "is_disabled", "rate_limit", "rate_window_seconds")
    further_rows = ("last_used", "secret_digest", "api_definitions")
    actions = ("enable_selected", "disable_selected", "delete_selected")
    actions_detail = ("rotate",)
    change_list_template = "console/tokens/list.html"
    change_form_template = "console/tokens/form.html"
    list_display = ("name", "state", "menu", "limit", "apis", "used", *AUTHORSHIP_COLUMNS)
    list_display_links = ("name",)
    list_filter = FILTERS
    mirrored = TOKENS
    search_fields = ("name", "=id")
    confidential = ("secret", "pepper")
    ordering = ("name",)
    delete_says = gettext_lazy("Requests with its secret will be refused.")
    search_hint = gettext_lazy("Search by name or id")
    empty_icon = "key"
    empty_title = gettext_lazy("No tokens yet")
    empty_text = gettext_lazy("Clients call APIs with the secret of a token. Create one for each client.")
    secret_title = gettext_lazy('Secret of the token "%s"')
    rotate_page = "admin:tokens_apitoken_rotate"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ApiToken]":
        tokens: QuerySet[ApiToken] = super().get_queryset(request)
        may_switch = self.has_change_permission(request)
        tokens = with_rights(tokens, may_switch=may_switch, sees_apis=allows(request.user, DEFINITION, "view"))
        return tokens.annotate(api_count=count_rows(AllowedToken.objects.all(), "token"))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list. The menu of its rows offers what the user may do."""
        may = {
            "may_change": self.has_change_permission(request),
            "may_delete": self.has_delete_permission(request),
            "may_view_definitions": allows(request.user, DEFINITION, "view"),
        }
        return super().changelist_view(request, may | (extra_context or {}))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.switch_view)
        return [path("<path:object_id>/switch/", view, name="tokens_switch"), *super().get_urls()]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new token gets its secret in the form, an existing one by rotation."""
        return (*self.content, "secret", "ticket") if obj is None else self.content

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A rate limit to start with; nothing from the address, which must not hold a secret."""
        return {"rate_limit": 60, "rate_window_seconds": 60}

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = TokenForm if change else NewTokenForm
        return super().get_form(request, obj, change=change, **{"form": form} | kwargs)

    @_hide_secret
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return super().add_view(request, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        if not change:
            # Sent again, the form finds the token by the id of its ticket.
            obj.pk = ticket_id(form.cleaned_data.get("ticket", "")) or obj.pk
            self.new_secret = form.new_secret
        super().save_model(request, obj, form, change)

    @action(  # type: ignore[untyped-decorator]  # django-unfold has no types
        description=gettext_lazy("Rotate secret"), url_path="rotate", permissions=["change"], icon="autorenew"
    )
    @_hide_secret
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page that gives a token a new secret; the current one stops working."""
        # `get_object` locks the row: of two rotations at once, the second sees a newer version and is refused.
        with transaction.atomic():
            token = self.found(request, object_id)
            form = RotateForm(request.POST if request.method == "POST" else None, instance=token)
            if form.is_valid() and self._rotated(request, token, form):
                return self.secret_page(request, token, form.new_secret)
        context = self.object_context(request, token, title=_("Rotate secret"), form=form)
        return TemplateResponse(request, "console/tokens/rotate.html", context)

    def switch_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Enable or disable one token from its row.

        Raises:
            PermissionDenied: the user may not change tokens, or the request is not a POST.
        """
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        self._switch(request, [self.found(request, object_id)], is_disabled=request.POST.get("state") == "off")
        if request.headers.get("X-Requested-With") == "fetch":
            return HttpResponse(status=204)
        return HttpResponseRedirect(reverse("admin:tokens_apitoken_changelist"))

    @admin.action(permissions=["change"], description=gettext_lazy("Enable"))
    def enable_selected(self, request: HttpRequest, queryset: "QuerySet[ApiToken]") -> None:
        self._switch_selected(request, queryset, _("enabled"), is_disabled=False)

    @admin.action(permissions=["change"], description=gettext_lazy("Disable"))
    def disable_selected(self, request: HttpRequest, queryset: "QuerySet[ApiToken]") -> None:
        self._switch_selected(request, queryset, _("disabled"), is_disabled=True)

    def _switch(self, request: HttpRequest, tokens: list[ApiToken], *, is_disabled: bool) -> tuple[int, int]:
        """How many tokens were switched, and for how many a rule refused it."""
        done = refused = 0
        for token in tokens:
            try:
                changed = switch(token.pk, is_disabled=is_disabled, by=request.user.get_username())
            except ValidationError:
                refused += 1
                continue
            if changed:
                done += 1
                self.log_change(request, changed, "Disabled." if is_disabled else "Enabled.")
        return done, refused

    def _switch_selected(self, request: HttpRequest, tokens: Any, state: str, *, is_disabled: bool) -> None:
        chosen = list(tokens)
        done, refused = self._switch(request, chosen, is_disabled=is_disabled)
        text = _("%(counted)s %(state)s.")
        if already := len(chosen) - done - refused:
            text += " " + ngettext("%(already)d was already %(state)s.", "%(already)d were already %(state)s.", already)
        if refused:
            text += " " + _("%(refused)d refused.")
        words = {"counted": self.counted(done), "state": state, "already": already, "refused": refused}
        self.message_user(request, text % words, messages.WARNING if refused else messages.SUCCESS)

    def _rotated(self, request: HttpRequest, token: ApiToken, form: RotateForm) -> bool:
        try:
            save_checked(token, by=request.user.get_username())
        except ValidationError as error:
            form.add_error(None, error)
            return False
        self.log_change(request, token, "Rotated the secret.")
        return True

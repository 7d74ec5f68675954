"""The pages of API tokens. A secret is shown in the answer to the request that sets it, and nowhere else."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from django.contrib.admin.models import LogEntry
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from unfold.decorators import action

from access.policy import DEFINITION, RUN, allows
from console import cells
from console.blockers import count_rows
from console.definitions.access_page import may_change_grants
from console.list_pages import RowItem
from console.lists import AUTHORSHIP_COLUMNS, with_rights
from console.object_head import ObjectTab
from console.object_switch import SwitchedObject
from console.secret import NextStep, SecretPages, ticket_id
from console.switches import DISABLE, ENABLE
from console.tokens.access_page import TokenAccessPage
from console.tokens.apis import allow_for, may_choose, pick_apis
from console.tokens.columns import FILTERS, TokenColumns
from console.tokens.forms import NewTokenForm, RotateForm, TokenForm
from console.tokens.limits_page import LimitsPage
from console.usage.columns import CallColumns
from definitions.models import AllowedToken
from foundation.ids import parse_uuid
from objects.changes import save_checked
from search.models import TOKENS
from tokens.models import ApiToken

ROTATED: Final = "Rotated the secret."

_hide_secret = method_decorator(sensitive_post_parameters("secret"))


class TokenAdmin(TokenAccessPage, LimitsPage, TokenColumns, SecretPages, CallColumns, SwitchedObject):
    """API tokens, by which clients are known."""

    apis_filter = "token"
    counted_as = "token"
    tab_of_kind: ClassVar = {"change": "limits"}
    content: ClassVar = ("name", "is_disabled", "rate_limit", "rate_window_seconds")
    further_rows = ("last_used", "secret_digest", "api_definitions")
    actions_detail = ("rotate",)
    change_form_template = "console/tokens/form.html"
    list_display = ("name", "limit", "apis", "recent_calls", "used", "state", "key", *AUTHORSHIP_COLUMNS)
    usual_columns = ("limit", "apis", "recent_calls", "used", "state", "at_created")
    on_tablets = ("apis", "used", "state")
    on_phones = ("apis", "used")
    list_filter = FILTERS
    mirrored = TOKENS
    search_fields = ("name", "=id")
    confidential = ("secret", "pepper")
    ordering = ("name",)
    actions = (DISABLE, ENABLE, "delete_selected")
    disable_says = gettext_lazy("Requests with these tokens are refused at once.")
    enable_says = gettext_lazy("Requests with these tokens are accepted again at once.")
    delete_says = gettext_lazy("Requests with its secret will be refused.")
    search_hint = gettext_lazy("Search by name or id")
    empty_icon = "key"
    empty_title = gettext_lazy("No tokens yet")
    empty_text = gettext_lazy("Clients call APIs with the secret of a token. Create one for each client.")
    secret_title = gettext_lazy('Secret of the token "%s"')
    rotate_page = "admin:tokens_apitoken_rotate"
    kind_of_page = "view"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ApiToken]":
        tokens: QuerySet[ApiToken] = super().get_queryset(request)
        may_switch = self.has_change_permission(request)
        tokens = with_rights(tokens, may_switch=may_switch, sees_apis=allows(request.user, DEFINITION, "view"))
        return tokens.annotate(api_count=count_rows(AllowedToken.objects.all(), "token"))

    def tabs(self, request: HttpRequest, obj: ApiToken) -> Sequence[ObjectTab]:
        secret = [ObjectTab("rotate", _("Secret"))] if self.has_change_permission(request) else []
        usage = [ObjectTab("usage", _("Usage"))] if allows(request.user, RUN, "view") else []
        return [
            ObjectTab("view", _("Access"), AllowedToken.objects.filter(token=obj.pk).count()),
            *secret,
            ObjectTab("limits", _("Limits")),
            *usage,
            ObjectTab("history", _("Changes")),
        ]

    def next_steps(self, request: HttpRequest, obj: ApiToken) -> Sequence[NextStep]:
        """A new token may call nothing yet."""
        if obj.api_definitions.exists() or not may_change_grants(request.user):
            return ()
        return [NextStep(_("Allow it for APIs"), self.page_of(obj, "view"))]

    def state_of(self, obj: ApiToken) -> SafeString:
        return cells.state(obj.is_disabled)

    def further_items(self, request: HttpRequest) -> Sequence[RowItem]:
        items: list[RowItem] = []
        if allows(request.user, DEFINITION, "view"):
            apis = reverse("admin:definitions_apidefinition_changelist")
            items.append(RowItem(_("Show its APIs"), address=f"{apis}?token="))
        if allows(request.user, RUN, "view"):
            items.append(RowItem(_("Show its runs"), address=f"{reverse('admin:runs')}?token="))
        if self.has_change_permission(request):
            items.append(RowItem(_("Rotate secret"), page="rotate/"))
        return [*items, *super().further_items(request)]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new token gets its secret in the form, an existing one by rotation."""
        further = ("apis",) if may_choose(request.user) else ()
        return (*self.content, "secret", "ticket", *further) if obj is None else self.content

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A rate limit to start with. The address may name an API; it must not hold a secret."""
        api = parse_uuid(request.GET.get("api", ""))
        return {"rate_limit": 60, "rate_window_seconds": 60, "apis": [api] if api else []}

    def get_urls(self) -> list[URLPattern]:
        pick = path("pick-apis/", self.admin_site.admin_view(pick_apis), name="tokens_pick_apis")
        return [pick, *super().get_urls()]

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

    def store(self, obj: ApiToken, form: Any, by: str) -> None:
        """Save the token and allow it for the APIs that were chosen in the form of a new one."""
        # A form is saved in one transaction.
        super().store(obj, form, by)
        allow_for(obj, form.cleaned_data.get("apis", ()), by)

    @action(  # type: ignore[untyped-decorator]  # django-unfold has no types
        description=gettext_lazy("Rotate secret"), url_path="rotate", permissions=["change"], icon="autorenew"
    )
    @_hide_secret
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page that gives a token a new secret; the current one stops working."""
        # `get_object` locks the row: of two rotations at once, the second sees a newer revision and is refused.
        with transaction.atomic():
            token = self.found(request, object_id)
            form = RotateForm(request.POST if request.method == "POST" else None, instance=token)
            if form.is_valid() and self._rotated(request, token, form):
                return self.secret_page(request, token, form.new_secret)
        context = self.object_context(request, token, title=_("Secret"), form=form, rotated_at=_rotated_at(token))
        return TemplateResponse(request, "console/tokens/rotate.html", context)

    def _rotated(self, request: HttpRequest, token: ApiToken, form: RotateForm) -> bool:
        try:
            save_checked(token, by=request.user.get_username())
        except ValidationError as error:
            form.add_error(None, error)
            return False
        self.log_change(request, token, ROTATED)
        return True


def _rotated_at(token: ApiToken) -> datetime | None:
    """When the secret was last rotated in the console."""
    entries = LogEntry.objects.filter(object_id=str(token.pk), change_message=ROTATED)
    return entries.order_by("-action_time").values_list("action_time", flat=True).first()

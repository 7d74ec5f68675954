"""The pages of API tokens. A secret is shown in the answer to the request that sets it, and nowhere else."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from unfold.decorators import action

from access.policy import DEFINITION, allows
from console.blockers import count_rows
from console.lists import AUTHORSHIP_COLUMNS, with_rights
from console.secret import SecretPages, ticket_id
from console.switches import SwitchPages
from console.tokens.columns import FILTERS, TokenColumns
from console.tokens.forms import NewTokenForm, RotateForm, TokenForm
from console.usage.columns import CallColumns
from definitions.models import AllowedToken
from objects.changes import save_checked
from search.models import TOKENS
from tokens.models import ApiToken

_hide_secret = method_decorator(sensitive_post_parameters("secret"))


class TokenAdmin(TokenColumns, SecretPages, CallColumns, SwitchPages):
    """API tokens, by which clients are known."""

    apis_filter = "token"
    counted_as = "token"
    content: ClassVar = ("name", "is_disabled", "rate_limit", "rate_window_seconds")
    further_rows = ("last_used", "secret_digest", "api_definitions")
    actions_detail = ("rotate",)
    change_list_template = "console/tokens/list.html"
    change_form_template = "console/tokens/form.html"
    list_display = ("name", "state", "menu", "limit", "apis", "recent_calls", "used", *AUTHORSHIP_COLUMNS)
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
        may = {"may_view_definitions": allows(request.user, DEFINITION, "view")}
        return super().changelist_view(request, may | (extra_context or {}))

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
        # `get_object` locks the row: of two rotations at once, the second sees a newer revision and is refused.
        with transaction.atomic():
            token = self.found(request, object_id)
            form = RotateForm(request.POST if request.method == "POST" else None, instance=token)
            if form.is_valid() and self._rotated(request, token, form):
                return self.secret_page(request, token, form.new_secret)
        context = self.object_context(request, token, title=_("Rotate secret"), form=form)
        return TemplateResponse(request, "console/tokens/rotate.html", context)

    def _rotated(self, request: HttpRequest, token: ApiToken, form: RotateForm) -> bool:
        try:
            save_checked(token, by=request.user.get_username())
        except ValidationError as error:
            form.add_error(None, error)
            return False
        self.log_change(request, token, "Rotated the secret.")
        return True

"""The pages of API tokens. A secret is shown in the answer to the request that sets it, and nowhere else."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.debug import sensitive_post_parameters
from unfold.decorators import action

from access.policy import DEFINITION, allows
from console.base import AUTHORSHIP, CheckedAdmin
from console.blockers import count_rows, used_by
from console.lists import AUTHORSHIP_COLUMNS, ObjectList
from console.secret import object_context, secret_page, shown_before_page, ticket_id
from console.tokens.columns import TokenColumns
from console.tokens.filters import FILTERS
from console.tokens.forms import PRESET, NewTokenForm, RotateForm, TokenForm
from console.tokens.switches import switch_each
from definitions.models import AllowedToken
from objects.changes import save_checked
from search.models import TOKENS
from tokens.models import ApiToken

_hide_secret = method_decorator(sensitive_post_parameters("secret"))


class TokenAdmin(TokenColumns, ObjectList, CheckedAdmin):
    """API tokens: what a client shows to be let in."""

    used_through = "api_definitions"
    content: ClassVar = ("name", "is_disabled", "rate_limit", "rate_window_seconds")
    readonly_fields: ClassVar = (*AUTHORSHIP, "used")
    actions = ("enable_selected", "disable_selected", "delete_selected")
    actions_detail = ("rotate",)
    change_list_template = "console/tokens/list.html"
    change_form_template = "console/tokens/form.html"
    list_filter = FILTERS
    mirrored = TOKENS
    search_fields = ("name", "=id")
    ordering = ("name",)
    delete_says = gettext_lazy("Its secret opens nothing any more, and the same token cannot be brought back.")
    search_hint = gettext_lazy("Search by name or id")
    empty_icon = "key"
    empty_title = gettext_lazy("No token yet")
    empty_text = gettext_lazy("A token is what a client shows to be let in. Make one for each client.")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[ApiToken]":
        """With the number of APIs that allow each."""
        tokens: QuerySet[ApiToken] = super().get_queryset(request)
        return tokens.annotate(api_count=count_rows(AllowedToken.objects.all(), "token"))

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """A switch only for who may use it, links only to what the user may look at."""
        state = "state_switch" if self.has_change_permission(request) else "state"
        apis = "api_link" if allows(request.user, DEFINITION, "view") else "api_count"
        return ("name", state, "menu", "limit", apis, "used", *AUTHORSHIP_COLUMNS)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The list; its menu offers what the user may do."""
        may = {
            "may_change": self.has_change_permission(request),
            "may_delete": self.has_delete_permission(request),
            "may_view_definitions": allows(request.user, DEFINITION, "view"),
        }
        return super().changelist_view(request, may | (extra_context or {}))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """The address of the list must not answer questions about secrets."""
        return not lookup.startswith(("secret", "pepper")) and super().lookup_allowed(lookup, value, request)

    def get_urls(self) -> list[URLPattern]:
        """The pages, and the switch of a row."""
        view = self.admin_site.admin_view(self.switch_view)
        return [path("<path:object_id>/switch/", view, name="tokens_switch"), *super().get_urls()]

    def get_content(self, request: HttpRequest, obj: Any) -> Any:
        """A token gets a secret when it is made; later ones by rotation."""
        return (*self.content, "secret", "ticket") if obj is None else (*self.content, "used")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The preset; nothing from the address, where no secret may stand."""
        return dict(PRESET)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form of a new token has the secret in it."""
        form = TokenForm if change else NewTokenForm
        return super().get_form(request, obj, change=change, **{"form": form} | kwargs)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form, with the APIs that allow the token."""
        context["used_by"] = used_by(request.user, kwargs.get("obj"))
        return super().render_change_form(request, context, *args, **kwargs)

    @_hide_secret
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The form of a new token; it can only be left through the page with the secret, and makes one token."""
        made = self._made_before(request)
        if made is not None:
            rotate_page = reverse("admin:tokens_apitoken_rotate", args=[made.pk])
            return shown_before_page(self, request, made, rotate_page=rotate_page)
        buttons = {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().add_view(request, form_url, buttons | (extra_context or {}))

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """Save it, and hand a new secret on to the answer."""
        if not change:
            obj.pk = ticket_id(form.cleaned_data.get("ticket", "")) or obj.pk
            request.new_secret = form.new_secret  # type: ignore[attr-defined]  # for response_add
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """The page with the secret."""
        secret: str = request.new_secret  # type: ignore[attr-defined]
        return secret_page(self, request, obj, secret, _("was created. Its secret:"))

    @action(  # type: ignore[untyped-decorator]  # django-unfold has no types
        description=gettext_lazy("Rotate secret"), url_path="rotate", permissions=["change"], icon="autorenew"
    )
    @_hide_secret
    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page that gives a token a new secret; the old one opens nothing from then on."""
        with transaction.atomic():
            token = self.get_object(request, unquote(object_id))
            if token is None:
                raise Http404
            form = RotateForm(request.POST if request.method == "POST" else None, instance=token)
            if form.is_valid() and self._rotated(request, token, form):
                return secret_page(self, request, token, form.new_secret, _("has a new secret:"))
        context = {"title": _("Rotate secret"), "form": form}
        return TemplateResponse(request, "console/tokens/rotate.html", object_context(self, request, token) | context)

    def switch_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Enable or disable one token from its row.

        Raises:
            PermissionDenied: the user may not change tokens, or the request is no POST.
        """
        if request.method != "POST" or not self.has_change_permission(request):
            raise PermissionDenied
        token = self.get_object(request, unquote(object_id))
        if token is None:
            raise Http404
        self._switch(request, [token], is_disabled=request.POST.get("state") == "off")
        if request.headers.get("X-Requested-With") == "fetch":
            return HttpResponse(status=204)
        return HttpResponseRedirect(reverse("admin:tokens_apitoken_changelist"))

    @admin.action(permissions=["change"], description=gettext_lazy("Enable"))
    def enable_selected(self, request: HttpRequest, queryset: "QuerySet[ApiToken]") -> None:
        """Every token of the selection opens what allows it."""
        self._say(request, *self._switch(request, queryset, is_disabled=False), _("Enabled"))

    @admin.action(permissions=["change"], description=gettext_lazy("Disable"))
    def disable_selected(self, request: HttpRequest, queryset: "QuerySet[ApiToken]") -> None:
        """No token of the selection opens anything, from the very next request on."""
        self._say(request, *self._switch(request, queryset, is_disabled=True), _("Disabled"))

    def _switch(self, request: HttpRequest, tokens: Any, *, is_disabled: bool) -> tuple[int, int, int]:
        chosen = list(tokens)
        done, refused = switch_each(chosen, is_disabled=is_disabled, by=request.user.get_username())
        for token in done:
            self.log_change(request, token, "Disabled." if is_disabled else "Enabled.")
        return len(done), len(chosen) - len(done) - len(refused), len(refused)

    def _say(self, request: HttpRequest, done: int, were: int, refused: int, what: str) -> None:
        text = ngettext("%(what)s: %(done)d token.", "%(what)s: %(done)d tokens.", done)
        if were:
            text += " " + ngettext("%(were)d was so already.", "%(were)d were so already.", were)
        if refused:
            text += " " + _("Refused: %(refused)d.")
        words = {"what": what, "done": done, "were": were, "refused": refused}
        self.message_user(request, text % words, messages.WARNING if refused else messages.SUCCESS)

    def _made_before(self, request: HttpRequest) -> ApiToken | None:
        """The token that this very form has made already: somebody has loaded the page with its secret again."""
        if request.method != "POST" or not self.has_add_permission(request):
            return None
        made_id = ticket_id(request.POST.get("ticket", ""))
        return ApiToken.objects.filter(pk=made_id).first() if made_id else None

    def _rotated(self, request: HttpRequest, token: ApiToken, form: RotateForm) -> bool:
        try:
            save_checked(token, by=request.user.get_username())
        except ValidationError as error:
            form.add_error(None, error)
            return False
        self.log_change(request, token, "Rotated the secret.")
        return True

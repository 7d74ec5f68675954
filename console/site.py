"""The console's site: flags let a user in; Django's "staff" has no meaning."""

from collections.abc import Mapping
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.i18n import JavaScriptCatalog

from access.flags import needed
from access.policy import MESSAGE, POLICY, Action, allows, may_enter
from console.navigation import menu
from console.password_forms import LogInForm, PasswordPage, within_limits
from console.start import start_page
from console.trigger_page import offered_definitions, trigger_page
from events import positions
from events.visibility import readable_types

if TYPE_CHECKING:
    # django-unfold has no types; what we use of its class is Django's.
    from django.contrib.admin import AdminSite

    UnfoldSite: TypeAlias = AdminSite
else:
    from unfold.sites import UnfoldAdminSite as UnfoldSite


_ACTIONS: Final[Mapping[str, Action]] = {"add": "add", "delete": "delete", "rotate": "change"}


class ConsoleSite(UnfoldSite):
    """The console."""

    login_form = LogInForm
    index_title = _("Overview")
    index_template = "console/start.html"

    def has_permission(self, request: HttpRequest) -> bool:
        return may_enter(request.user)

    def get_urls(self) -> list[Any]:
        return [
            path("trigger/", self.admin_view(trigger_page), name="trigger"),
            path("trigger/definitions/", self.admin_view(offered_definitions), name="trigger_definitions"),
            *super().get_urls(),
        ]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """A page for users who may enter, with the position from which it follows changes."""
        guarded = super().admin_view(view, cacheable)

        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            is_live = request.method == "GET" and bool(readable_types(request.user))
            # Read before the page reads anything else: the live stream tells of every later change.
            position = positions.last() if is_live else None
            try:
                answer = guarded(request, *args, **kwargs)
            except PermissionDenied as refusal:
                raise PermissionDenied(_missing(request)) from refusal
            if isinstance(answer, TemplateResponse):
                answer.context_data = (answer.context_data or {}) | {"live_position": position}
            return answer

        return update_wrapper(page, guarded)

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        return super().index(request, {"start": start_page(request.user)} | (extra_context or {}))

    @within_limits
    def login(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().login(request, extra_context)

    @within_limits
    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        context = self.each_context(request) | (extra_context or {})
        return PasswordPage.as_view(extra_context=context)(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """The context of every page. Colours are in a file: the Content-Security-Policy allows no style element."""
        return super().each_context(request) | {"colors": {}}

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        return menu(request)

    def i18n_javascript(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The translations for Django's and the console's scripts."""
        return cast(HttpResponse, JavaScriptCatalog.as_view(packages=["django.contrib.admin", "console"])(request))


def _missing(request: HttpRequest) -> str:
    """The flags that the user of a refused request lacks, in words; empty where the policy has no row for the page."""
    # Pages of models are named after app, model and kind: `tokens_apitoken_change`.
    page = request.resolver_match.url_name or "" if request.resolver_match else ""
    model, _separator, kind = page.rpartition("_")
    label = model.replace("_", ".", 1)
    action = _ACTIONS.get(kind, "change" if request.method == "POST" else "view")
    rows: list[tuple[str, Action]] = [(label, "view"), (label, action)]
    if page.startswith("trigger"):
        rows = [(MESSAGE, "send")]
    lacking = [needed(*row) for row in rows if row in POLICY and not allows(request.user, *row)]
    return " and ".join(dict.fromkeys(lacking))

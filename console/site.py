"""The console's site: flags let a user in; Django's "staff" has no meaning."""

from collections.abc import Mapping
from functools import update_wrapper
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.i18n import JavaScriptCatalog
from unfold.sites import UnfoldAdminSite

from access.flags import needed
from access.policy import DEFINITION, NODE, POLICY, RUN, TOKEN, Action, allows, manages_people, may_enter
from console import start
from console.charts import addresses as statistics
from console.environment_page import environments_page
from console.kept_form import logged_out_page
from console.palette.views import palette
from console.password_forms import LogInForm, PasswordPage, within_limits
from console.people.own_page import own_permissions_page
from console.run_actions import addresses as run_actions
from console.runs import addresses as run_pages
from console.session_page import session_page
from console.trigger_page import names_of_ids, offered_definitions, trigger_page
from events import positions
from events.visibility import readable_types

_ACTIONS: Final[Mapping[str, Action]] = {
    "add": "add",
    "delete": "delete",
    "rotate": "change",
    "activate": "change",
    "renew": "change",
    "renewal": "change",
    "resolve": "change",
}

_RUN_ACTIONS: Final[Mapping[str, list[tuple[str, Action]]]] = {
    "run_cancel": [(RUN, "cancel")],
    "run_again": [(RUN, "add")],
    "run_series": [(RUN, "replay")],
    "run_series_repeat": [(RUN, "replay")],
}


# Django's "view on site", because no object has a page elsewhere, and the theme's search, which names Django's apps.
_LEFT_OUT: Final = frozenset({"view_on_site", "search"})


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc]  # django-unfold has no types
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
            path("trigger/names/", self.admin_view(names_of_ids), name="trigger_names"),
            path("permissions/", self.admin_view(own_permissions_page), name="own_permissions"),
            path("environments/", self.admin_view(environments_page), name="environments"),
            *run_pages.urls(self),
            *run_actions.urls(self),
            *statistics.urls(self),
            # Also for browsers whose session has ended.
            path("session/", session_page, name="session"),
            path("palette/", self.admin_view(palette), name="palette"),
            *start.urls(self),
            *(page for page in super().get_urls() if getattr(page, "name", "") not in _LEFT_OUT),
        ]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """A page for users who may enter, with the position from which it follows changes."""
        guarded = super().admin_view(view, cacheable)

        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            is_live = request.method == "GET" and bool(readable_types(request.user))
            # Read before the page reads anything else: the live stream tells of every later change.
            position = positions.last() if is_live else None
            if (kept := logged_out_page(request)) is not None:
                return kept
            try:
                answer = guarded(request, *args, **kwargs)
            except PermissionDenied as refusal:
                raise PermissionDenied(_missing(request) or str(refusal)) from refusal
            if isinstance(answer, TemplateResponse):
                answer.context_data = (answer.context_data or {}) | {"live_position": position}
            return answer

        return update_wrapper(page, guarded)

    def index(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().index(request, start.start_page(request) | (extra_context or {}))

    @within_limits
    def login(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().login(request, extra_context)

    @within_limits
    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        context = self.each_context(request) | (extra_context or {})
        return PasswordPage.as_view(extra_context=context)(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """The context of every page. Colours are in a file: the Content-Security-Policy allows no style element."""
        return {**super().each_context(request), "colors": {}}

    def get_sidebar_list(self, request: HttpRequest) -> list[Any]:
        """Nothing: `console/shell/menu.py` makes the menu."""
        return []

    def i18n_javascript(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The translations for Django's and the console's scripts."""
        return JavaScriptCatalog.as_view(packages=["django.contrib.admin", "console"])(request)


def _missing(request: HttpRequest) -> str:
    """The flags that the user of a refused request lacks, in words; empty where the policy has no row for the page."""
    # Pages of models are named after app, model and kind: `tokens_apitoken_change`.
    page = request.resolver_match.url_name or "" if request.resolver_match else ""
    model, _separator, kind = page.rpartition("_")
    label = model.replace("_", ".", 1)
    action = _ACTIONS.get(kind, "change" if request.method == "POST" else "view")
    rows: list[tuple[str, Action]] = [(label, "view"), (label, action)]
    if page.startswith("trigger"):
        rows = [(RUN, "add")]
    elif page.startswith("run"):
        may_show_bodies = page == "run_bodies" or (page == "run_comparison" and request.method == "POST")
        rows = [(RUN, "view_bodies" if may_show_bodies else "view"), *_RUN_ACTIONS.get(page, [])]
    if page.startswith("statistics"):
        rows = [(RUN, "view")]
    if kind in ("usage", "runs") and model:
        rows.append((RUN, "view"))
    if page.endswith(("_access", "_apis")) and request.method == "POST":
        rows = [(TOKEN, "view"), (DEFINITION, "view"), (DEFINITION, "change")]
    if page == "environments":
        rows = [(NODE, "view")]
    if page.startswith("auth_") and not manages_people(request.user):
        return str(_("a superuser"))
    lacking = [needed(*row) for row in rows if row in POLICY and not allows(request.user, *row)]
    return " and ".join(dict.fromkeys(lacking))

"""The console's site and its menu: flags let a user in; Django's "staff" has no meaning."""

from collections.abc import Mapping
from functools import update_wrapper
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.i18n import JavaScriptCatalog
from unfold.sites import UnfoldAdminSite

from access.flags import needed
from access.policy import (
    CREDENTIAL,
    DEFINITION,
    NODE,
    POLICY,
    RUN,
    SCRIPT,
    TOKEN,
    Action,
    allows,
    manages_people,
    may_enter,
)
from console.charts import addresses as statistics
from console.environment_page import environments_page
from console.password_forms import LogInForm, PasswordPage, within_limits
from console.run_actions import addresses as run_actions
from console.runs import addresses as run_pages
from console.start import start_page
from console.trigger_page import offered_definitions, trigger_page
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
            path("environments/", self.admin_view(environments_page), name="environments"),
            *run_pages.urls(self),
            *run_actions.urls(self),
            *statistics.urls(self),
            # Django's "view on site": no object has a page elsewhere.
            *(page for page in super().get_urls() if getattr(page, "name", "") != "view_on_site"),
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
                raise PermissionDenied(_missing(request) or str(refusal)) from refusal
            if isinstance(answer, TemplateResponse):
                answer.context_data = (answer.context_data or {}) | {"live_position": position}
            return answer

        return update_wrapper(page, guarded)

    def index(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return super().index(request, start_page(request) | (extra_context or {}))

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

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The menu: the pages that the user may view, by group."""
        user = request.user
        # By group: title, icon, page and whether the user may view it.
        pages = {
            "": [(_("Overview"), "space_dashboard", "index", True)],
            _("User-Defined APIs"): [
                (_("Definitions"), "api", "definitions_apidefinition_changelist", allows(user, DEFINITION, "view")),
                (_("Tokens"), "key", "tokens_apitoken_changelist", allows(user, TOKEN, "view")),
                (_("Scripts"), "code", "automation_automationscript_changelist", allows(user, SCRIPT, "view")),
                (_("Credentials"), "lock", "automation_credential_changelist", allows(user, CREDENTIAL, "view")),
                (_("Trigger"), "play_circle", "trigger", allows(user, RUN, "add")),
            ],
            _("Operation"): [
                (_("Runs"), "receipt_long", "runs", allows(user, RUN, "view")),
                (_("Events"), "history", "events_informationevent_changelist", bool(readable_types(user))),
                (_("Nodes"), "dns", "automation_workernode_changelist", allows(user, NODE, "view")),
                (_("Environments"), "inventory_2", "environments", allows(user, NODE, "view")),
            ],
            _("Access"): [
                (_("Personal keys"), "vpn_key", "keys_personalkey_changelist", True),
                (_("Users"), "person", "auth_user_changelist", manages_people(user)),
                (_("Groups"), "group", "auth_group_changelist", manages_people(user)),
            ],
        }
        shown = {
            group: [_entry(request, title, icon, page) for title, icon, page, may_view in entries if may_view]
            for group, entries in pages.items()
        }
        return [{"title": group, "items": entries} for group, entries in shown.items() if entries]

    def i18n_javascript(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The translations for Django's and the console's scripts."""
        return JavaScriptCatalog.as_view(packages=["django.contrib.admin", "console"])(request)


def _entry(request: HttpRequest, title: Any, icon: str, page: str) -> dict[str, Any]:
    link = reverse(f"admin:{page}")
    is_active = request.path == link if page == "index" else request.path.startswith(link)
    return {"title": title, "icon": icon, "link": link, "active": is_active, "has_permission": True}


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
    if kind == "usage":
        rows.append((RUN, "view"))
    if page == "environments":
        rows = [(NODE, "view")]
    lacking = [needed(*row) for row in rows if row in POLICY and not allows(request.user, *row)]
    return " and ".join(dict.fromkeys(lacking))

"""The console's door: flags let a user in, and Django's "staff" means nothing."""

from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.i18n import JavaScriptCatalog

from access.policy import may_enter
from console.navigation import menu
from console.password_forms import LogInForm, PasswordPage, within_limits
from console.start import start_page
from console.trigger_page import OfferedDefinitions, TriggerPage
from events import positions
from events.visibility import readable_types

if TYPE_CHECKING:
    # django-unfold has no types; what we use of its class is Django's.
    from django.contrib.admin import AdminSite

    UnfoldSite: TypeAlias = AdminSite
else:
    from unfold.sites import UnfoldAdminSite as UnfoldSite


class ConsoleSite(UnfoldSite):
    """The console."""

    login_form = LogInForm
    index_title = _("Overview")
    index_template = "console/start.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the user of the request may see any page at all."""
        return may_enter(request.user)

    def get_urls(self) -> list[Any]:
        """The addresses of the pages that belong to no model, and all others."""
        return [
            path("trigger/", self.admin_view(TriggerPage.as_view()), name="trigger"),
            path("trigger/definitions/", self.admin_view(OfferedDefinitions.as_view()), name="trigger_definitions"),
            *super().get_urls(),
        ]

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """A page for who may enter, which knows from when on it has to hear of changes."""
        guarded = super().admin_view(view, cacheable)

        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.method == "GET" and readable_types(request.user):
                # Read before the page reads anything else: what comes later is told by the live stream.
                request.live_position = positions.last()  # type: ignore[attr-defined]
            return guarded(request, *args, **kwargs)

        return update_wrapper(page, guarded)

    def index(self, request: HttpRequest, extra_context: Any = None) -> TemplateResponse:
        """The start page."""
        return super().index(request, {"start": start_page(request.user)} | (extra_context or {}))

    @within_limits
    def login(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The log-in page."""
        return super().login(request, extra_context)

    @within_limits
    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """The page of the user's own password."""
        context = self.each_context(request) | (extra_context or {})
        return PasswordPage.as_view(extra_context=context)(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page knows; the colours stand in a file, because the policy allows no style element."""
        return super().each_context(request) | {"colors": {}}

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """The menu."""
        return menu(request)

    def i18n_javascript(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The words of the scripts, Django's and the console's own, in the user's language."""
        return cast(HttpResponse, JavaScriptCatalog.as_view(packages=["django.contrib.admin", "console"])(request))

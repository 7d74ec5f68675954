"""All properties of an API to read, in the groups of its form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from console.object_pages import ReadablePages
from console.readable import field_rows, identity_rows

GROUPS: Final[Sequence[tuple[str, Promise, Sequence[str]]]] = (
    ("where", _("Address"), ("route", "name", "description", "is_disabled")),
    ("what", _("What runs"), ("script", "script_version", "action_type", "input_type", "content_types")),
    ("runs", _("Runs"), ("keep_bodies", "max_concurrent", "server_timing")),
    ("objectives", _("Objectives"), ("objective_success_rate", "objective_p95_milliseconds")),
)
_ELSEWHERE: Final = frozenset({"allowed_tokens"})


@dataclass(frozen=True)
class SettingsGroup:
    """Rows under a heading."""

    key: str
    title: Promise
    rows: Sequence[tuple[Any, SafeString | str, bool]]


class SettingsPage(ReadablePages):
    """The tab Settings."""

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_settings"
        return [
            path("<path:object_id>/settings/", self.admin_site.admin_view(self.settings_page), name=name),
            *super().get_urls(),
        ]

    def settings_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Every property but the tokens, which have a page of their own.

        Raises:
            PermissionDenied: the user may not view the API.
            Http404: there is no such API.
        """
        definition, user = self._viewed(request, object_id), request.user
        placed = {name for _key, _title, names in GROUPS for name in names}
        # A property that is in no group yet is among the runs.
        rest = [name for name in self.content if name not in placed | _ELSEWHERE]
        named = [(key, title, [*names, *(rest if key == "runs" else ())]) for key, title, names in GROUPS]
        groups = [SettingsGroup(key, title, field_rows(user, definition, names)) for key, title, names in named]
        groups.append(SettingsGroup("about", _("About this API"), identity_rows(definition)))
        rows = [row for group in groups for row in group.rows]
        context = {"title": _("Settings"), "groups": groups, "rows": rows}
        return self._answer(request, definition, "console/definitions/settings.html", context)

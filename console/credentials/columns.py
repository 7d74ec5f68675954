"""The columns and filters of the list of credentials."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from access.policy import SCRIPT, AnyUser, allows
from automation.models import AutomationScript, Credential, CredentialGrant
from console import cells
from console.attention import conditions
from console.blockers import count_rows
from console.lists import AUTHORSHIP_FILTERS, NamedFilter, NamedModel, choice_filter, column, with_rights
from console.templatetags.console import time_ago

SCRIPTS_SHOWN = 1


def with_scripts(credentials: "QuerySet[Credential]", user: AnyUser) -> "QuerySet[Credential]":
    """The credentials with what a row needs, in a number of queries that does not grow with the rows."""
    first = AutomationScript.objects.only("id", "name").order_by("name")[:SCRIPTS_SHOWN]
    rows: QuerySet[Credential] = with_rights(credentials, sees_scripts=allows(user, SCRIPT, "view"))
    return rows.annotate(script_count=count_rows(CredentialGrant.objects.all(), "credential")).prefetch_related(
        Prefetch("allowed_scripts", first, to_attr="first_scripts")
    )


def script_chip(script: AutomationScript, *, is_link: bool, kind: str = "change") -> SafeString:
    """A script that may read a credential; links are for users who may view scripts."""
    return cells.chip(script.name, cells.page_of(script, kind) if is_link else "")


class CredentialColumns:
    """The cells of a credential."""

    used = column("last_used_at", _("last used"), lambda value: time_ago(value) or cells.muted(_("never")))

    def last_uses(self, request: HttpRequest, keys: Collection[UUID]) -> Collection[datetime]:
        moments = Credential.objects.filter(pk__in=keys).values_list("last_used_at", flat=True)
        return [moment for moment in moments if moment]

    @admin.display(description=_("name"), ordering="name")
    def title(self, obj: Credential) -> str:
        return obj.name

    @admin.display(description=_("granted scripts"), ordering="script_count")
    def scripts(self, obj: Any) -> SafeString:
        """The first scripts that may read it."""
        if not obj.script_count:
            return cells.muted(_("none"))
        shown = [script_chip(script, is_link=obj.sees_scripts) for script in obj.first_scripts]
        return cells.few(shown, obj.script_count)


class GrantedScriptFilter(NamedFilter):
    """A script that may read the credential: users who may view credentials may know its name."""

    of = NamedModel(AutomationScript)
    title = _("script")
    parameter_name = "script"
    looks_at = ("script__name",)
    id_at = "script"

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Searches the grants, so that a credential with several matching scripts is listed once."""
        grants = super().queryset(request, CredentialGrant.objects.all())
        return queryset.filter(pk__in=grants.values("credential")) if (self.value() or "").strip() else queryset


FILTERS = (
    GrantedScriptFilter,
    choice_filter(
        "use",
        _("use"),
        {
            "never": (_("never used"), Q(last_used_at__isnull=True)),
            "used": (_("used"), Q(last_used_at__isnull=False)),
            "granted": (_("granted to a script"), Q(script_count__gt=0)),
            "free": (_("granted to no script"), Q(script_count=0)),
        },
    ),
    conditions.OF_CREDENTIALS,
    *AUTHORSHIP_FILTERS,
)

"""What needs attention: APIs that nobody can call or that cannot answer, and tokens that are of no use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.checks import run_checks
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from access.policy import DEFINITION, TOKEN, AnyUser, allows, manages_people
from console.cells import page_of
from definitions.models import ActionType, AllowedToken, ApiDefinition
from tokens.models import ApiToken

SHOWN = 4


@dataclass(frozen=True)
class Concern:
    """A probable mistake, and the objects that it is about."""

    title: str
    meaning: str
    icon: str
    tone: str
    objects: Sequence[tuple[str, str]] = ()
    """The first `SHOWN` of them: name and page."""
    more: int = 0


def without_entry_point() -> "QuerySet[ApiDefinition]":
    """The definitions whose script is missing or lacks the entry point."""
    api_trigger = Q(action_type=ActionType.AUTOMATION_SCRIPT, script__has_api_trigger=False)
    run = Q(action_type=ActionType.NO_ENTRY_POINT, script__has_run=False)
    return ApiDefinition.objects.filter(Q(script=None) | api_trigger | run).order_by("route")


def without_token() -> "QuerySet[ApiDefinition]":
    grants = AllowedToken.objects.filter(definition=OuterRef("pk"))
    return ApiDefinition.objects.filter(~Exists(grants)).order_by("route")


def disabled_but_allowed() -> "QuerySet[ApiToken]":
    grants = AllowedToken.objects.filter(token=OuterRef("pk"))
    return ApiToken.objects.filter(Exists(grants), is_disabled=True).order_by("name", "id")


def never_used() -> "QuerySet[ApiToken]":
    """The enabled tokens that are older than a day and were never used."""
    yesterday = timezone.now() - timedelta(days=1)
    tokens = ApiToken.objects.filter(last_used=None, is_disabled=False, created_at__lt=yesterday)
    return tokens.order_by("name", "id")


def concerns(user: AnyUser) -> list[Concern]:
    """The concerns about objects that `user` may view, and for superusers the warnings about the settings."""
    found = list(_of_settings()) if manages_people(user) else []
    if allows(user, DEFINITION, "view"):
        why = _("The script is missing or lacks the entry point.")
        found += _concern(without_entry_point(), "code_off", "bad", _("APIs that cannot answer"), why)
        found += _concern(without_token(), "lock", "warn", _("APIs nobody can call"), _("They allow no token."))
    if allows(user, TOKEN, "view"):
        title = _("Disabled tokens that APIs still allow")
        found += _concern(disabled_but_allowed(), "key_off", "warn", title, _("Calls with them are refused."))
        older = _("They are older than a day.")
        found += _concern(never_used(), "hourglass_empty", "warn", _("Tokens never used"), older)
    return found


def _concern(found: "QuerySet[Any]", icon: str, tone: str, title: str, meaning: str) -> Iterator[Concern]:
    if count := found.count():
        first = [(obj.route if isinstance(obj, ApiDefinition) else str(obj), page_of(obj)) for obj in found[:SHOWN]]
        yield Concern(title, meaning, icon, tone, first, count - len(first))


def _of_settings() -> Iterator[Concern]:
    for message in run_checks(tags=["udapi"]):
        if not message.is_silenced():
            yield Concern(_("Settings"), f"{message.msg} {message.hint or ''}".strip(), "warning", "warn")

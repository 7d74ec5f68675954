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
from automation.versions import ScriptVersion
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


def concerns(user: AnyUser) -> list[Concern]:
    """The concerns about objects that `user` may view, and for superusers the warnings about the settings."""
    found = list(_of_settings()) if manages_people(user) else []
    if allows(user, DEFINITION, "view"):
        found += _of_definitions()
    if allows(user, TOKEN, "view"):
        found += _of_tokens()
    return found


def _of_definitions() -> Iterator[Concern]:
    definitions = ApiDefinition.objects.order_by("route")
    broken = definitions.filter(Q(script=None) | _lacks_entry_point())
    why = _("The script is missing or lacks the entry point.")
    yield from _concern(broken, "code_off", "bad", _("APIs that cannot answer"), why)
    closed = definitions.filter(~Exists(AllowedToken.objects.filter(definition=OuterRef("pk"))))
    yield from _concern(closed, "lock", "warn", _("APIs nobody can call"), _("They allow no token."))
    disabled, meaning = definitions.filter(is_disabled=True), _("Calls are refused with error 2009 (503).")
    yield from _concern(disabled, "block", "warn", _("Disabled APIs"), meaning)


def _lacks_entry_point() -> Q:
    """The version that runs, current or pinned, lacks the entry point that the action calls."""
    pinned = ScriptVersion.objects.filter(script=OuterRef("script"), number=OuterRef("script_version"))
    calls_run = Q(action_type=ActionType.NO_ENTRY_POINT)
    current_lacks = (~calls_run & Q(script__has_api_trigger=False)) | (calls_run & Q(script__has_run=False))
    pinned_has = (~calls_run & Exists(pinned.filter(has_api_trigger=True))) | (
        calls_run & Exists(pinned.filter(has_run=True))
    )
    return Q(script_version=None) & current_lacks | Q(script_version__isnull=False) & ~pinned_has


def _of_tokens() -> Iterator[Concern]:
    tokens = ApiToken.objects.order_by("name", "id")
    allowed = tokens.filter(Exists(AllowedToken.objects.filter(token=OuterRef("pk"))), is_disabled=True)
    title = _("Disabled tokens that APIs still allow")
    yield from _concern(allowed, "key_off", "warn", title, _("Calls with them are refused."))
    yesterday = timezone.now() - timedelta(days=1)
    unused = tokens.filter(last_used=None, is_disabled=False, created_at__lt=yesterday)
    yield from _concern(unused, "hourglass_empty", "warn", _("Tokens never used"), _("They are older than a day."))


def _concern(found: "QuerySet[Any]", icon: str, tone: str, title: str, meaning: str) -> Iterator[Concern]:
    if count := found.count():
        first = [(obj.route if isinstance(obj, ApiDefinition) else str(obj), page_of(obj)) for obj in found[:SHOWN]]
        yield Concern(title, meaning, icon, tone, first, count - len(first))


def _of_settings() -> Iterator[Concern]:
    for message in run_checks(tags=["udapi"]):
        if not message.is_silenced():
            yield Concern(_("Settings"), f"{message.msg} {message.hint or ''}".strip(), "warning", "warn")

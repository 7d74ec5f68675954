"""What wants attention: APIs that nobody can call, that cannot answer, and tokens that open nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.checks import run_checks
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from access.policy import DEFINITION, TOKEN, AnyUser, allows, manages_people
from definitions.models import ActionType, AllowedToken, ApiDefinition
from tokens.models import ApiToken

SHOWN = 4


@dataclass(frozen=True)
class Concern:
    """Something that is probably not meant: what it is, what it means, and the objects that it is about."""

    title: str
    meaning: str
    icon: str
    tone: str
    objects: Sequence[tuple[str, str]]
    """The first ones: text and page."""
    more: int


def concerns(user: AnyUser) -> list[Concern]:
    """What `user` should look at, of what he may view."""
    return [*_of_settings(user), *_of_definitions(user), *_of_tokens(user)]


def without_token() -> "QuerySet[ApiDefinition]":
    """The definitions that allow no token."""
    return ApiDefinition.objects.filter(~Exists(AllowedToken.objects.filter(definition=OuterRef("pk"))))


def without_entry_point() -> "QuerySet[ApiDefinition]":
    """The definitions whose script is gone or lacks the function that is called."""
    api_trigger = Q(action_type=ActionType.AUTOMATION_SCRIPT, script__has_api_trigger=False)
    run = Q(action_type=ActionType.NO_ENTRY_POINT, script__has_run=False)
    return ApiDefinition.objects.filter(Q(script=None) | api_trigger | run)


def disabled_but_allowed() -> "QuerySet[ApiToken]":
    """The disabled tokens that definitions still allow."""
    allowed = Exists(AllowedToken.objects.filter(token=OuterRef("pk")))
    return ApiToken.objects.filter(allowed, is_disabled=True)


def never_used() -> "QuerySet[ApiToken]":
    """The enabled tokens that have never opened anything, although they exist for a day."""
    return ApiToken.objects.filter(last_used=None, is_disabled=False, created_at__lt=timezone.now() - timedelta(days=1))


def _of_settings(user: AnyUser) -> Iterator[Concern]:
    """Warnings about the settings, for superusers."""
    if not manages_people(user):
        return
    for message in run_checks(tags=["udapi"]):
        if not message.is_silenced():
            yield Concern(_("Settings"), f"{message.msg} {message.hint or ''}".strip(), "warning", "warn", (), 0)


def _of_definitions(user: AnyUser) -> Iterator[Concern]:
    if not allows(user, DEFINITION, "view"):
        return
    yield from _concern(
        without_entry_point().order_by("route"),
        _("Cannot answer"),
        _("The script is missing or lacks the function that the API calls."),
        ("code_off", "bad"),
    )
    yield from _concern(
        without_token().order_by("route"), _("Without a token"), _("Nobody can call these APIs."), ("lock", "warn")
    )


def _of_tokens(user: AnyUser) -> Iterator[Concern]:
    if allows(user, TOKEN, "view"):
        yield from _concern(
            disabled_but_allowed().order_by("name", "id"),
            _("Disabled, but still allowed"),
            _("APIs name these tokens, which open nothing."),
            ("key_off", "warn"),
        )
        yield from _concern(
            never_used().order_by("name", "id"),
            _("Never used"),
            _("No client has shown these tokens yet; they are older than a day."),
            ("hourglass_empty", "warn"),
        )


def _concern(found: "QuerySet[Any]", title: str, meaning: str, look: tuple[str, str]) -> Iterable[Concern]:
    count = found.count()
    if count:
        first = [(_name(obj), _page(obj)) for obj in found[:SHOWN]]
        yield Concern(title, meaning, *look, first, count - len(first))


def _name(obj: Any) -> str:
    return obj.route if isinstance(obj, ApiDefinition) else str(obj)


def _page(obj: Any) -> str:
    return reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[obj.pk])

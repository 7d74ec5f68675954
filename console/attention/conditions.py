"""What an object must be to need attention: asked by the overview, and by the filters of the lists that it leads to."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.db.models import Exists, F, OuterRef, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from access.policy import RUN, allows
from automation.builds import BuildState
from automation.credential_keys import fingerprints
from automation.versions import ScriptVersion
from console.lists import ChoiceFilter
from definitions.models import ActionType, AllowedToken
from runs.models import FailingApi
from runs.statistics import missed_objectives

PARAMETER: Final = "attention"
UNUSED_AFTER: Final = timedelta(days=1)
_OF_RUNS: Final = frozenset({"failing", "objectives"})

_Options = Mapping[str, tuple[Promise, Callable[[], Q]]]


def failing() -> Q:
    return Q(Exists(FailingApi.objects.filter(pk=OuterRef("pk"))), is_disabled=False)


def cannot_answer() -> Q:
    """The script is missing, or the version that runs, current or pinned, lacks the entry point."""
    pinned = ScriptVersion.objects.filter(script=OuterRef("script"), number=OuterRef("script_version"))
    calls_run = Q(action_type=ActionType.NO_ENTRY_POINT)
    current_lacks = (~calls_run & Q(script__has_api_trigger=False)) | (calls_run & Q(script__has_run=False))
    pinned_has = (~calls_run & Exists(pinned.filter(has_api_trigger=True))) | (
        calls_run & Exists(pinned.filter(has_run=True))
    )
    lacks = Q(script_version=None) & current_lacks | Q(script_version__isnull=False) & ~pinned_has
    return Q(script=None) | lacks


def without_token() -> Q:
    return Q(~Exists(AllowedToken.objects.filter(definition=OuterRef("pk"))))


def is_disabled() -> Q:
    return Q(is_disabled=True)


def misses_objectives() -> Q:
    return Q(pk__in=[each.pk for each in missed_objectives.missed(timezone.now())])


def disabled_but_allowed() -> Q:
    return Q(Exists(AllowedToken.objects.filter(token=OuterRef("pk"))), is_disabled=True)


def never_used() -> Q:
    """Enabled tokens that are older than a day."""
    return Q(last_used=None, is_disabled=False, created_at__lt=timezone.now() - UNUSED_AFTER)


def not_built() -> Q:
    """Scripts whose newest version does not run because its packages could not be installed."""
    failed = ScriptVersion.objects.filter(script=OuterRef("pk"), build__state=BuildState.FAILED)
    return Q(Exists(failed.filter(number=OuterRef("pending_version"))))


def newest_failed() -> Q:
    """The versions that `not_built` is about."""
    return Q(number=F("script__pending_version"), build__state=BuildState.FAILED)


def without_key() -> Q:
    return ~Q(key_fingerprint__in=fingerprints())


class AttentionFilter(ChoiceFilter):
    """What a line under *Needs attention* is about."""

    title = _("needs attention")
    parameter_name = PARAMETER

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Without those that tell how runs ended, for users who may not view runs."""
        self._hidden = frozenset() if allows(request.user, RUN, "view") else _OF_RUNS
        return [each for each in super().lookups(request, model_admin) if each[0] not in self._hidden]

    def value(self) -> str | None:
        chosen: str | None = super().value()
        return None if chosen in self._hidden else chosen

    def condition(self, option: Callable[[], Q]) -> Q:
        return option()


def attention_filter(options: _Options) -> type[ChoiceFilter]:
    return type("AttentionFilter", (AttentionFilter,), {"options": options})


OF_DEFINITIONS: Final = attention_filter(
    {
        "failing": (_("failing"), failing),
        "broken": (_("cannot answer"), cannot_answer),
        "closed": (_("nobody can call it"), without_token),
        "objectives": (_("misses its objectives"), misses_objectives),
    }
)
OF_TOKENS: Final = attention_filter(
    {
        "allowed": (_("disabled, but still allowed"), disabled_but_allowed),
        "unused": (_("never used"), never_used),
    }
)
OF_SCRIPTS: Final = attention_filter({"build": (_("newest version not built"), not_built)})
OF_CREDENTIALS: Final = attention_filter({"key": (_("no active key opens it"), without_key)})

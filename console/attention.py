"""What needs attention: APIs that fail, objects that are of no use or lost, runs that were not kept."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
from django.core.checks import run_checks
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.policy import CREDENTIAL, DEFINITION, NODE, RUN, SCRIPT, TOKEN, AnyUser, allows, manages_people
from automation.builds import BuildState
from automation.credential_keys import fingerprints
from automation.models import Credential
from automation.versions import ScriptVersion
from console.cells import page_of, version_page
from console.idle_nodes import IdleNode, idle_nodes
from definitions.models import ActionType, AllowedToken, ApiDefinition
from runs import failing_apis
from runs.models import Run, RunsNotKept
from runs.statistics import missed_objectives
from tokens.models import ApiToken

SHOWN = 4
FAILURES_SHOWN = 10


LONGEST_ERROR = 160


@dataclass(frozen=True)
class Failure:
    """A failing API; `page` is empty for users who may not see the definition. `error` is that of its last run."""

    route: str
    page: str
    figures: str
    since: datetime
    error: str
    run_page: str


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
    failures: Sequence[Failure] = ()


def concerns(user: AnyUser) -> list[Concern]:
    """The concerns about objects that `user` may view, and for superusers the warnings about the settings."""
    found = list(_of_settings()) if manages_people(user) else []
    if allows(user, NODE, "view"):
        found += _of_nodes()
    if allows(user, RUN, "view"):
        found += [*_of_failing(user), *_of_runs_not_kept()]
    if allows(user, DEFINITION, "view"):
        found += _of_definitions()
        if allows(user, RUN, "view"):
            found += _of_objectives()
    if allows(user, SCRIPT, "view"):
        found += _of_builds()
    if allows(user, TOKEN, "view"):
        found += _of_tokens()
    if allows(user, CREDENTIAL, "view"):
        found += _of_credentials()
    return found


def _of_failing(user: AnyUser) -> Iterator[Concern]:
    if found := failing_apis.current():
        sees_definitions = allows(user, DEFINITION, "view")
        failures = [_failure(each, sees_definitions) for each in found[:FAILURES_SHOWN]]
        more = len(found) - len(failures)
        meaning = _("Within five minutes, at least five of their runs failed, and at least half.")
        yield Concern(_("APIs that fail"), meaning, "error", "bad", more=more, failures=failures)


def _failure(found: failing_apis.FailingNow, sees_definitions: bool) -> Failure:
    run, definition, row = found.last_run, found.definition, found.row
    figures = ngettext("%(failed)d of %(runs)d run", "%(failed)d of %(runs)d runs", row.runs)
    return Failure(
        definition.route,
        page_of(definition) if sees_definitions else "",
        figures % {"failed": row.failed, "runs": row.runs},
        row.since,
        _error_of(run) if run else "",
        f"{reverse('admin:index')}runs/{run.pk}/" if run else "",
    )


def _error_of(run: Run) -> str:
    """Such as `Error 12: KeyError: 'name'`."""
    code = _("Error %d") % run.error_code if run.error_code else _("Code %d") % (run.response_code or 0)
    said = Truncator(run.message.partition("\n")[0]).chars(LONGEST_ERROR)
    return f"{code}: {said}" if said else code


def _of_runs_not_kept() -> Iterator[Concern]:
    recent = RunsNotKept.objects.filter(minute__gt=timezone.now() - timedelta(days=1))
    counts = recent.aggregate(records=Sum("records"), extras=Sum("extras"))
    parts = []
    if records := counts["records"]:
        parts.append(ngettext("%(count)d run", "%(count)d runs", records) % {"count": records})
    if extras := counts["extras"]:
        text = ngettext("the log and bodies of %(count)d run", "the logs and bodies of %(count)d runs", extras)
        parts.append(text % {"count": extras})
    if parts:
        missing = _("Not kept in the last 24 hours: %s. The APIs answered all the same.") % _(" and ").join(parts)
        advice = _("Find out in manager.log whether the database was away or too slow, or Redis was restarted.")
        yield Concern(_("Runs that were not kept"), f"{missing} {advice}", "history_toggle_off", "warn")


def _of_nodes() -> Iterator[Concern]:
    """Without Redis the overview says so elsewhere."""
    lacking: list[IdleNode] = []
    with suppress(redis.RedisError):
        lacking = [each for each in idle_nodes() if each.lacks_packages]
    if lacking:
        page = reverse("admin:environments")
        names = [(_("Node %d") % each.beat.node.id, page) for each in lacking[:SHOWN]]
        meaning = _("They take no triggers until they have the packages that current and pinned versions need.")
        yield Concern(_("Nodes that lack packages"), meaning, "dns", "bad", names, len(lacking) - len(names))


def _of_builds() -> Iterator[Concern]:
    """Scripts whose last save does not run because its packages could not be installed."""
    failed = ScriptVersion.objects.filter(number=F("script__pending_version"), build__state=BuildState.FAILED)
    if count := failed.count():
        rows = failed.order_by("script__name").values_list("script", "script__name", "number")[:SHOWN]
        named = [
            (_("%(name)s, version %(number)d") % {"name": name, "number": number}, version_page(script, number))
            for script, name, number in rows
        ]
        meaning = _("Their packages could not be installed. The version before runs on, if there is one.")
        yield Concern(_("Versions that are not built"), meaning, "inventory_2", "bad", named, count - len(named))


def _of_definitions() -> Iterator[Concern]:
    definitions = ApiDefinition.objects.order_by("route")
    broken = definitions.filter(Q(script=None) | _lacks_entry_point())
    why = _("The script is missing or lacks the entry point.")
    yield from _concern(broken, "code_off", "bad", _("APIs that cannot answer"), why)
    closed = definitions.filter(~Exists(AllowedToken.objects.filter(definition=OuterRef("pk"))))
    yield from _concern(closed, "lock", "warn", _("APIs nobody can call"), _("They allow no token."))
    disabled, meaning = definitions.filter(is_disabled=True), _("Calls are refused with error 2009 (503).")
    yield from _concern(disabled, "block", "warn", _("Disabled APIs"), meaning)


def _of_objectives() -> Iterator[Concern]:
    if found := missed_objectives.missed(timezone.now()):
        first = [(each.route, page_of(each, "view")) for each in found[:SHOWN]]
        meaning = _("Over the last 30 days they failed, or were slow, more often than their objectives allow.")
        yield Concern(_("Missed objectives"), meaning, "flag", "warn", first, len(found) - len(first))


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


def _of_credentials() -> Iterator[Concern]:
    lost = Credential.objects.exclude(key_fingerprint__in=fingerprints()).order_by("name")
    meaning = _("Scripts that they are granted to cannot run. Restore the missing key, or enter their values again.")
    yield from _concern(lost, "lock", "bad", _("Credentials that no active key opens"), meaning)


def _concern(found: "QuerySet[Any]", icon: str, tone: str, title: str, meaning: str) -> Iterator[Concern]:
    if count := found.count():
        first = [(obj.route if isinstance(obj, ApiDefinition) else str(obj), page_of(obj)) for obj in found[:SHOWN]]
        yield Concern(title, meaning, icon, tone, first, count - len(first))


def _of_settings() -> Iterator[Concern]:
    for message in run_checks(tags=["udapi"]):
        if not message.is_silenced():
            yield Concern(_("Settings"), f"{message.msg} {message.hint or ''}".strip(), "warning", "warn")

"""What needs attention while APIs are called: APIs that fail, nodes, runs that were not kept, settings."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import redis
from django.core.checks import run_checks
from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.policy import DEFINITION, RUN, SCRIPT, AnyUser, allows, manages_people
from console.attention.concern import BAD, WARN, Concern, Finding
from console.cells import page_of
from console.charts.links import runs_behind
from console.gone_nodes import GoneNode, gone_nodes
from console.health_summary import HealthSummary
from console.idle_nodes import idle_nodes
from runs import failing_apis
from runs.models import Run, RunsNotKept
from runs.statistics.query import StatisticsFilters

SHOWN: Final = 5
FAILURES_SHOWN: Final = 10
LONGEST_ERROR: Final = 160

_DAY: Final = timedelta(days=1)
_AROUND: Final = timedelta(minutes=2)
"""What was not kept is noted when it is missed, a little later."""


def of_failing(user: AnyUser) -> Iterator[Concern]:
    if found := failing_apis.current():
        sees_definitions = allows(user, DEFINITION, "view")
        page = f"{reverse('admin:definitions_apidefinition_changelist')}?attention=failing" if sees_definitions else ""
        findings = [_failure(each, sees_definitions) for each in found[:FAILURES_SHOWN]]
        why = _("Within five minutes, at least five of their runs failed, and at least half.")
        yield Concern("failing", _("APIs that fail"), why, "error", BAD, len(found), page, findings, is_open=True)


def _failure(found: failing_apis.FailingNow, sees_definitions: bool) -> Finding:
    run, definition, row = found.last_run, found.definition, found.row
    figures = ngettext("%(failed)d of %(runs)d run", "%(failed)d of %(runs)d runs", row.runs)
    return Finding(
        definition.route,
        page_of(definition) if sees_definitions else "",
        figures % {"failed": row.failed, "runs": row.runs},
        row.since,
        _error_of(run) if run else "",
        reverse("admin:run", args=[run.pk]) if run else "",
    )


def _error_of(run: Run) -> str:
    """Such as `Error 12: KeyError: 'name'`."""
    code = _("Error %d") % run.error_code if run.error_code else _("Code %d") % (run.response_code or 0)
    said = Truncator(run.message.partition("\n")[0]).chars(LONGEST_ERROR)
    return f"{code}: {said}" if said else code


def of_runs_not_kept() -> Iterator[Concern]:
    """The findings are the minutes in which they were missed, and lead to the runs of that time that were kept."""
    recent = RunsNotKept.objects.filter(minute__gt=timezone.now() - _DAY)
    counts = recent.aggregate(records=Sum("records"), extras=Sum("extras"))
    records, extras = counts["records"] or 0, counts["extras"] or 0
    if records or extras:
        missing = _("Not kept in the last 24 hours: %s. The APIs answered all the same.") % _in_words(records, extras)
        advice = _("manager.log says whether the database was unavailable or too slow, or Redis was restarted.")
        title, icon = _("Runs that were not kept"), "history_toggle_off"
        findings = [_gap(each) for each in recent.order_by("-minute")[:SHOWN]]
        yield Concern("gaps", title, f"{missing} {advice}", icon, WARN, records, findings=findings)


def _gap(noted: RunsNotKept) -> Finding:
    page = runs_behind(StatisticsFilters(), noted.minute - _AROUND, noted.minute + _AROUND)
    return Finding(_in_words(noted.records, noted.extras), page, since=noted.minute)


def _in_words(records: int, extras: int) -> str:
    parts = []
    if records:
        parts.append(ngettext("%(count)d run", "%(count)d runs", records) % {"count": records})
    if extras:
        text = ngettext("the log and bodies of %(count)d run", "the logs and bodies of %(count)d runs", extras)
        parts.append(text % {"count": extras})
    return _(" and ").join(parts)


def of_nodes(user: AnyUser) -> Iterator[Concern]:
    """Without Redis, the health says so."""
    try:
        gone, lacking = gone_nodes(), [each for each in idle_nodes() if each.lacks_packages]
    except redis.RedisError:
        return
    for node in gone:
        yield _gone(node, manages_people(user))
    if lacking:
        page = reverse("admin:environments")
        findings = [Finding(_("Node %d") % each.beat.node.id, page) for each in lacking[:SHOWN]]
        why = _("They take no triggers until they have the packages that current and pinned versions need.")
        yield Concern("packages", _("Nodes that lack packages"), why, "dns", BAD, len(lacking), page, findings)


def _gone(node: GoneNode, may_dismiss: bool) -> Concern:
    title = _("Node %(number)d (%(host)s) is gone") % {"number": node.id, "host": node.host}
    why = _("It stopped without being shut down. Look at its machine, or start it again.")
    return Concern(
        f"node-{node.id}",
        title,
        why,
        "dns",
        BAD,
        page=reverse("admin:automation_workernode_changelist"),
        since=node.seen_at,
        since_words=_("Last seen"),
        dismissal=reverse("admin:dismiss_node", args=[node.id]) if may_dismiss else "",
    )


def of_health(health: HealthSummary, user: AnyUser) -> Iterator[Concern]:
    """The components that are not well, unless other concerns say the same in more detail."""
    told = {name for name, label in (("runs", RUN), ("builds", SCRIPT)) if allows(user, label, "view")}
    for each in health.troubles:
        if each.key not in told:
            key, icon = f"health-{each.key}", "monitor_heart"
            words = _("First noticed")
            yield Concern(key, each.name, each.message, icon, each.tone, since=each.since, since_words=words)


def of_settings() -> Iterator[Concern]:
    for number, message in enumerate(run_checks(tags=["udapi"])):
        if not message.is_silenced():
            yield Concern(f"settings-{number}", _("Settings"), _said(message), "settings", WARN)


def _said(message: Any) -> str:
    return f"{message.msg} {message.hint or ''}".strip()

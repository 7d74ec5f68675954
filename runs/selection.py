"""Which runs a reader wants, pages of them, the newest first, and what there is to see of one run.

A page takes bounded time, however many runs there are. Its first filter with an index leads: its rows are walked
through in the order of time. The other filters are asked for each of these rows, at most `MOST_WALKED` for a page. So
a page may hold fewer runs than asked for, or none, and still not be the last one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Any, Final, NamedTuple
from uuid import UUID

import redis
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from automation.models import AutomationScript
from fleet import current_runs
from fleet.records import RunStatus
from foundation.ids import first_id_at
from hosts.jobs import RunKind
from objects.serializers import as_id
from runs import merge, store
from runs.models import Run, RunLog

PAGE_SIZE: Final = 100
LARGEST_PAGE: Final = 1_000
MOST_WALKED: Final = 50_000
MOST_CHILDREN: Final = 1_000

_LATEST_LOG: Final = timedelta(minutes=1)
"""A log that is not stored so long after the end of its run was not kept."""

_UNFINISHED: Final = (RunStatus.QUEUED, RunStatus.RUNNING)
_INDEXED: Final = ("parent_id", "definition_id", "token_id", "script_id", "error_code", "status")
"""The columns that have an index with the id; the ones with the fewest runs of a value first."""


@dataclass(frozen=True, kw_only=True)
class RunFilters:
    """What a reader wants; several values of one filter are alternatives. Without filters, every run.

    `route` is the one of the definition or the one that was called, `script` a name or an id. `since` is the first
    moment when a run was accepted, `until` the first one when it was not. `slower_than` is milliseconds from the
    acceptance to the answer, or until now.
    """

    definition: Sequence[UUID] = ()
    route: Sequence[str] = ()
    script: Sequence[str] = ()
    version: Sequence[int] = ()
    token: Sequence[UUID] = ()
    token_name: Sequence[str] = ()
    user: Sequence[str] = ()
    node: Sequence[int] = ()
    status: Sequence[str] = ()
    error_code: Sequence[int] = ()
    response_code: Sequence[int] = ()
    kind: Sequence[str] = ()
    parent: Sequence[UUID] = ()
    since: datetime | None = None
    until: datetime | None = None
    slower_than: int | None = None


def select(filters: RunFilters) -> "QuerySet[Run]":
    """All runs that match, the newest first. Without a limit, this may take long: `page` does not."""
    plan = _Plan.of(filters)
    rows = plan.rows
    if plan.lead is not None:
        rows = rows.filter(**{f"{plan.lead}__in": plan.values})
    return plan.rest(rows)


def page(filters: RunFilters, before: UUID | None = None, size: int = PAGE_SIZE) -> tuple[list[Run], UUID | None]:
    """Runs that are older than `before`, the newest first, at most `size`; and the `before` of the next page, if any.

    A page that holds fewer runs than `size` is the last one only if there is no next one.
    """
    plan = _Plan.of(filters)
    return _page(plan, plan.rows if before is None else plan.rows.filter(pk__lt=before), size, _NEWEST_FIRST)


def page_after(filters: RunFilters, after: UUID, size: int = PAGE_SIZE) -> tuple[list[Run], UUID | None]:
    """Runs that are newer than `after`, the oldest first, at most `size`; and the `after` of the next page, if any."""
    plan = _Plan.of(filters)
    return _page(plan, plan.rows.filter(pk__gt=after).order_by("id"), size, _OLDEST_FIRST)


class _Direction(NamedTuple):
    """`nearest` is the first of several ids in this direction, and `within` the look-up for what comes up to an id."""

    nearest: Callable[..., UUID | None]
    within: str
    is_reversed: bool


_NEWEST_FIRST: Final = _Direction(max, "pk__gte", is_reversed=True)
_OLDEST_FIRST: Final = _Direction(min, "pk__lte", is_reversed=False)


def _page(plan: "_Plan", rows: "QuerySet[Run]", size: int, way: _Direction) -> tuple[list[Run], UUID | None]:
    leads = [rows] if plan.lead is None else [_of_value(plan.lead, value, rows, way) for value in plan.values]
    parts = [_part(plan, lead, size, MOST_WALKED // len(leads), way) for lead in leads]
    # A part is complete up to its end only, and so is what they make together.
    end = way.nearest((end for _, end in parts if end is not None), default=None)
    found = [run for part, _ in parts for run in part if end is None or way.nearest(run.pk, end) == run.pk]
    found.sort(key=lambda run: run.pk, reverse=way.is_reversed)
    return found[:size], found[size - 1].pk if len(found) > size else end


def _of_value(lead: str, value: Any, rows: "QuerySet[Run]", way: _Direction) -> "QuerySet[Run]":
    """The rows with this value, in the order of the index of the column and the id.

    As a range and in this order, so that no planner walks through the ids and filters: PostgreSQL would for a value
    that is common, and read everything that is newer than its last row.
    """
    sign = "-" if way.is_reversed else ""
    return rows.filter(**{f"{lead}__gte": value, f"{lead}__lte": value}).order_by(f"{sign}{lead}", f"{sign}id")


@dataclass(frozen=True)
class _Plan:
    """How to find the runs: the rows of the time, the leading filter if there is one, and the other conditions."""

    rows: "QuerySet[Run]"
    lead: str | None
    values: Sequence[Any]
    columns: Mapping[str, Sequence[Any]]
    conditions: Sequence[Q]

    @classmethod
    def of(cls, filters: RunFilters) -> "_Plan":
        columns, conditions = _columns(filters), _conditions(filters)
        scripts, unknown = _scripts(filters.script)
        if unknown:
            conditions.append(Q(script_id__in=scripts) | Q(script_name__in=unknown))
        elif scripts:
            columns["script_id"] = scripts
        lead = next((name for name in _INDEXED if name in columns), None)
        values = columns.pop(lead) if lead else ()
        return cls(_of_time(filters), lead, values, columns, conditions)

    @property
    def has_rest(self) -> bool:
        return bool(self.columns or self.conditions)

    def rest(self, rows: "QuerySet[Run]") -> "QuerySet[Run]":
        """The rows that the filters besides the leading one let through."""
        for name, values in self.columns.items():
            # No index helps to find this expression. Otherwise a database without statistics may walk through those of
            # the wrong column.
            rows = rows.alias(**{f"same_{name}": Coalesce(name, name)}).filter(**{f"same_{name}__in": values})
        return rows.filter(*self.conditions)


def _part(plan: _Plan, rows: "QuerySet[Run]", size: int, most: int, way: _Direction) -> tuple[list[Run], UUID | None]:
    """The first of these rows that match, and the id up to which these are all; None if they are all there are."""
    end = None
    if plan.has_rest:
        end = rows.values_list("pk", flat=True)[most - 1 : most].first()
        rows = plan.rest(rows if end is None else rows.filter(**{way.within: end}))
    found = list(rows[: size + 1])
    return (found[:size], found[size - 1].pk) if len(found) > size else (found, end)


def _of_time(filters: RunFilters) -> "QuerySet[Run]":
    rows = Run.objects.order_by("-id")
    if filters.since is not None:
        rows = rows.filter(pk__gte=first_id_at(filters.since))
    return rows if filters.until is None else rows.filter(pk__lt=first_id_at(filters.until))


def _columns(filters: RunFilters) -> dict[str, Sequence[Any]]:
    """The values by column, of the filters that compare one column."""
    wanted = {
        "parent_id": filters.parent,
        "definition_id": filters.definition,
        "token_id": filters.token,
        "error_code": filters.error_code,
        "status": filters.status,
        "script_version": filters.version,
        "token_name": filters.token_name,
        "user": filters.user,
        "node": filters.node,
        "response_code": filters.response_code,
        "kind": filters.kind,
    }
    return {name: list(dict.fromkeys(values)) for name, values in wanted.items() if values}


def _conditions(filters: RunFilters) -> list[Q]:
    found = []
    if filters.route:
        found.append(Q(route__in=filters.route) | Q(called_route__in=filters.route))
    if filters.slower_than is not None:
        begun = first_id_at(timezone.now() - timedelta(milliseconds=filters.slower_than))
        goes_on = Q(status__in=_UNFINISHED, total_milliseconds=None, pk__lt=begun)
        found.append(Q(total_milliseconds__gt=filters.slower_than) | goes_on)
    return found


def _scripts(texts: Sequence[str]) -> tuple[list[UUID], list[str]]:
    """The ids among names and ids of scripts, and the names that no script has any more."""
    known = dict(AutomationScript._base_manager.filter(name__in=texts).values_list("name", "pk")) if texts else {}
    ids = [known.get(text) or as_id(text) for text in dict.fromkeys(texts)]
    return [each for each in ids if each], [text for text in texts if text not in known and as_id(text) is None]


# --- One run ---


class LogLine(NamedTuple):
    """What a script printed or logged, and how many milliseconds after its start."""

    milliseconds: int
    text: str


def find(run_id: UUID) -> Run | None:
    """The run as it is known now; it may be an unsaved one, if it is not in the database yet.

    Raises:
        redis.RedisError: the database does not have it, and Redis does not answer.
    """
    stored = Run.objects.filter(pk=run_id).first()
    if stored is not None and stored.is_over:
        return stored
    try:
        return _as_known_to_redis(run_id, stored)
    except redis.RedisError:
        if stored is None:
            raise
        return stored


def _as_known_to_redis(run_id: UUID, stored: Run | None) -> Run | None:
    found = [merge.columns(record) for record in current_runs.records_of(str(run_id))]
    if not found:
        return stored
    store.name_tokens(found)
    known = found if stored is None else [merge.columns_of(stored), *found]
    return Run(**reduce(merge.merged, known))


def children(run: Run) -> list[Run]:
    """The stored subscripts that the run has begun, in the order in which they began; the first of them."""
    found = Run.objects.filter(parent_id=run.pk, kind=RunKind.SUBSCRIPT).order_by("id")
    return list(found[:MOST_CHILDREN])


def log_lines(run: Run, start: int = 0) -> tuple[list[LogLine], bool]:
    """The lines of the log from number `start` on, and whether there will be no more.

    Raises:
        redis.RedisError: the log is not in the database yet, and Redis does not answer.
    """
    stored = RunLog.objects.filter(pk=run.pk).values_list("text", flat=True).first() if run.is_over else None
    if stored is not None:
        return lines_of(stored)[start:], True
    if run.is_over and not (run.has_log and _may_come(run)):
        return [], True
    return [_parsed(line) for line in current_runs.log_of(str(run.pk), start)], False


def lines_of(log: str) -> list[LogLine]:
    """The lines of a log's text. Only a line break ends a line."""
    return [_parsed(line) for line in log.split("\n")[:-1]]


def _may_come(run: Run) -> bool:
    return run.ended_at is None or timezone.now() - run.ended_at < _LATEST_LOG


def _parsed(line: str) -> LogLine:
    milliseconds, _, text = line.partition("\t")
    return LogLine(int(milliseconds), text)

"""`statistics/`: how many runs there were, how they ended, and how long they took."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final, cast
from uuid import UUID

from django.db.models import Sum
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import RUN
from automation.models import AutomationScript
from management.lists import only
from management.openapi import Operation
from management.run_filters import TOKEN_FILTER, TOKEN_HELP, QueryFilter, parameter_of, values_of, wanted_tokens
from management.views import ManagementView
from objects.serializers import Choice, Id, Moment, Text, as_id, invalid_field
from runs.models import KINDS, RunsNotKept
from runs.statistics import query
from runs.statistics.figures import COUNTED, Figures
from runs.statistics.histogram import Histogram
from runs.statistics.periods import Period, Step
from runs.statistics.query import Dimension, StatisticsFilters
from tokens.models import ApiToken

MOST_GROUPS: Final = 1_000
DEFAULT_TIME: Final = timedelta(hours=24)

_SCRIPT: Final = "script"
_BY: Final = "by"
_FILTERS: Final[Mapping[str, QueryFilter]] = {
    "definition": QueryFilter("definition", Id(help_text="The id of a definition.")),
    _SCRIPT: QueryFilter(_SCRIPT, Text(help_text="The name of a script, or its id."), is_name=True),
    "kind": QueryFilter("kind", Choice(KINDS)),
}
_TIMES: Final[Mapping[str, QueryFilter]] = {
    "from": QueryFilter("since", Moment(help_text="By default, 24 hours before `to`."), is_single=True),
    "to": QueryFilter("until", Moment(help_text="By default, now."), is_single=True),
    "step": QueryFilter(
        "step",
        Choice([step.value for step in Step], help_text="The time between two points; by default, one that fits."),
        is_single=True,
    ),
    _BY: QueryFilter(
        _BY, Choice(["definition", "token", "script"], help_text="Add the figures of each of these."), is_single=True
    ),
}
_PARAMETERS: Final[Mapping[str, QueryFilter]] = {**_FILTERS, **_TIMES}
PARAMETERS: Final = (
    *(parameter_of(name, each) for name, each in _PARAMETERS.items()),
    parameter_of(TOKEN_FILTER, QueryFilter(TOKEN_FILTER, Text(help_text=TOKEN_HELP), is_name=True)),
)


class PercentilesSerializer(serializers.Serializer[Any]):
    """Milliseconds that a share of the runs did not exceed, a fifth off at most; null if there were no runs."""

    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class StatusCountsSerializer(serializers.Serializer[Any]):
    """How many runs ended so."""

    def get_fields(self) -> dict[str, Any]:
        return {str(status): serializers.IntegerField() for status in COUNTED}


class FiguresSerializer(serializers.Serializer[Any]):
    """Runs that are over. `failures` are Failed, Unanswered and NeverStarted."""

    calls = serializers.IntegerField()
    failures = serializers.IntegerField()
    byStatus = StatusCountsSerializer()
    queueMilliseconds = PercentilesSerializer()
    runMilliseconds = PercentilesSerializer()
    totalMilliseconds = PercentilesSerializer()


class FiguresAtTimeSerializer(FiguresSerializer):
    """The runs that were accepted within a step from `start` on."""

    start = serializers.DateTimeField()


class FiguresOfOneSerializer(FiguresSerializer):
    """The runs of one definition, token or script."""

    id = serializers.UUIDField()


class RunStatisticsSerializer(serializers.Serializer[Any]):
    """`from` and `to` are rounded outward to whole steps. `notKept` counts runs of all APIs that could not be kept."""

    to = serializers.DateTimeField()
    step = serializers.ChoiceField([step.value for step in Step])
    notKept = serializers.IntegerField()
    total = FiguresSerializer()
    points = FiguresAtTimeSerializer(many=True)
    groups = FiguresOfOneSerializer(many=True, required=False, help_text="With `by`: the busiest first, 1,000 at most.")

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateTimeField()} | super().get_fields()


class StatisticsView(ManagementView):
    needs = (RUN, "view")
    operations: ClassVar = {
        "get": Operation("statistics_retrieve", "Get statistics", RunStatisticsSerializer, parameters=PARAMETERS)
    }

    def get(self, request: Request) -> Response:
        """From counters that outlive the runs: by minute for 48 hours, by hour for 35 days, by day for 400 days."""
        found = _wanted(request)
        period = _period(found)
        filters = _filters(request, found)
        points = query.over_time(filters, period)
        answer = {
            "from": period.since,
            "to": period.until,
            "step": period.step.value,
            "notKept": _not_kept(period),
            "total": figures_of(query.total(points)),
            "points": [{"start": moment} | figures_of(each) for moment, each in points],
        }
        if dimension := found.get(_BY):
            answer["groups"] = _groups(cast("Dimension", dimension[0]), filters, period)
        return Response(answer)


def figures_of(found: Figures) -> dict[str, Any]:
    return {
        "calls": found.calls,
        "failures": found.failures,
        "byStatus": found.by_status,
        "queueMilliseconds": _percentiles(found.queue),
        "runMilliseconds": _percentiles(found.run),
        "totalMilliseconds": _percentiles(found.total),
    }


def _percentiles(durations: Histogram) -> dict[str, float | None]:
    found = {f"p{share}": durations.percentile(share / 100) for share in (50, 95, 99)}
    return {name: None if value is None else round(value, 1) for name, value in found.items()}


def _wanted(request: Request) -> dict[str, list[Any]]:
    """The parameters as values.

    Raises:
        ValidationError: `InvalidField`
    """
    given = only(request, tuple(_TIMES), repeatable=(*_FILTERS, TOKEN_FILTER))
    known = _PARAMETERS.items()
    return {name: values_of(name, each, request.query_params.getlist(name)) for name, each in known if name in given}


def _period(found: Mapping[str, Sequence[Any]]) -> Period:
    until = found["to"][0] if "to" in found else timezone.now()
    try:
        since = found["from"][0] if "from" in found else until - DEFAULT_TIME
        return Period.of(since, until, Step(found["step"][0]) if "step" in found else None)
    except (ValueError, OverflowError) as error:
        raise invalid_field("step" if "step" in found else "from", f"Not possible: {error}.") from error


def _filters(request: Request, found: Mapping[str, Sequence[Any]]) -> StatisticsFilters:
    tokens, names = wanted_tokens(request) if TOKEN_FILTER in request.query_params else ([], [])
    tokens += _ids(TOKEN_FILTER, ApiToken.objects.filter(name__in=names).values_list("pk", "name"), names)
    texts = found.get(_SCRIPT, ())
    scripts = [key for key in map(as_id, texts) if key is not None]
    named = [text for text in texts if as_id(text) is None]
    rows = AutomationScript.objects.filter(name__in=named).values_list("pk", "name")
    return StatisticsFilters(
        definition=found.get("definition", ()),
        token=tokens,
        script=[*scripts, *_ids(_SCRIPT, rows, named)],
        kind=found.get("kind", ()),
    )


def _ids(parameter: str, rows: Any, names: Sequence[str]) -> list[UUID]:
    """The ids of named objects, each of which must exist: a filter without values would match everything."""
    found = list(rows) if names else []
    if missing := set(names) - {name for _, name in found}:
        raise invalid_field(parameter, f"There is no {parameter} {sorted(missing)[0]!r}.")
    return [key for key, _ in found]


def _groups(dimension: Dimension, filters: StatisticsFilters, period: Period) -> list[dict[str, Any]]:
    found = sorted(query.by(dimension, filters, period).items(), key=lambda pair: (-pair[1].calls, pair[0]))
    return [{"id": key} | figures_of(each) for key, each in found[:MOST_GROUPS]]


def _not_kept(period: Period) -> int:
    rows = RunsNotKept.objects.filter(minute__gte=period.since, minute__lt=period.until)
    return int(rows.aggregate(sum=Sum("records"))["sum"] or 0)

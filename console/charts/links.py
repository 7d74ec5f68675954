"""Addresses: the runs behind a number, and the file with the numbers of a chart."""

from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse
from django.utils.http import urlencode

from console.charts.ranges import ChosenRange
from foundation.times import iso_utc
from runs.statistics.query import StatisticsFilters


def runs_behind(
    filters: StatisticsFilters, since: datetime, until: datetime, statuses: Iterable[str] = (), page: str = ""
) -> str:
    """The list of the runs that were counted, of all statuses or of these; `page` may be the list of one API."""
    values = filter_values(filters) | {"status": ",".join(statuses)}
    values |= {"from": iso_utc(since, "seconds"), "to": iso_utc(until, "seconds")}
    if page:
        del values["definition"]
    return f"{page or reverse('admin:runs')}?{urlencode({name: value for name, value in values.items() if value})}"


def csv_file(filters: StatisticsFilters, chosen: ChosenRange) -> str:
    return f"{reverse('admin:statistics_csv')}?{urlencode(filter_values(filters))}&{chosen.query}".replace("?&", "?")


def filter_values(filters: StatisticsFilters) -> dict[str, str]:
    """What an address needs to show the same runs; several values of a filter are separated by commas."""
    values = {
        "definition": filters.definition,
        "token": filters.token,
        "script": filters.script,
        "kind": filters.kind,
    }
    return {name: ",".join(map(str, each)) for name, each in values.items() if each}

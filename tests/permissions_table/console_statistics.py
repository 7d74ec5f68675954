"""Statistics in the console: figures, charts, and their numbers as a file."""

from typing import Any

from django.urls import reverse

from tests.permissions_table.table import D_VIEW, R_VIEW, Caller, World, action
from tests.runs.statistics.stored import store_calls


def of_runs(world: World, caller: Caller, name: str) -> Any:
    store_calls(world.definition, succeeded=3)
    return caller.console.get(reverse(f"admin:{name}"))


@action("console see statistics", R_VIEW, covers="statistics")
def console_statistics(world: World, caller: Caller) -> Any:
    return of_runs(world, caller, "statistics")


@action("console export statistics", R_VIEW, covers="statistics_csv")
def console_statistics_csv(world: World, caller: Caller) -> Any:
    return of_runs(world, caller, "statistics_csv")


@action("console follow a ranking to a definition", R_VIEW, D_VIEW)
def console_ranked_definition(world: World, caller: Caller) -> Any:
    response = of_runs(world, caller, "statistics")
    if response.status_code != 200:
        return response
    return bool(response.context_data["statistics"].rankings.busiest[0].page)

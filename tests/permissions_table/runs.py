"""Runs: lists, single ones, logs, and what they keep of requests and responses."""

from typing import Any

from tests.permissions_table.table import API, D_VIEW, R_BODIES, R_VIEW, T_VIEW, Caller, World, action

ONE = "runs/<str:key>/"


@action("API list runs", R_VIEW, covers="runs/")
def api_list(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/runs/")


@action("API read a run", R_VIEW, covers=ONE)
def api_read(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/runs/{world.run.pk}/")


@action("API read a log", R_VIEW, covers=f"{ONE}log/")
def api_log(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/runs/{world.run.pk}/log/")


@action("API read bodies", R_VIEW, R_BODIES, covers=f"{ONE}bodies/")
def api_bodies(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/runs/{world.run.pk}/bodies/")


@action("API read statistics", R_VIEW, covers="statistics/")
def api_statistics(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/statistics/")


@action("API read objectives", D_VIEW, R_VIEW, covers="definitions/<str:key>/objectives/")
def api_objectives(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/definitions/{world.definition.pk}/objectives/")


@action("API filter statistics by the name of a token", R_VIEW, T_VIEW)
def api_statistics_by_token_name(world: World, caller: Caller) -> Any:
    response = caller.api.get(f"{API}/statistics/?token={world.token.name}")
    return response if response.status_code == 403 else response.status_code == 200


@action("API filter runs by the name of a token", R_VIEW, T_VIEW)
def api_filter_by_token_name(world: World, caller: Caller) -> Any:
    response = caller.api.get(f"{API}/runs/?token={world.token.name}")
    return response if response.status_code == 403 else response.status_code == 200


def _shows_name(response: Any, world: World) -> Any:
    return response if response.status_code == 403 else world.token.name in response.content.decode()


@action("API see the token's name in a list of runs", R_VIEW, T_VIEW)
def api_listed_token_name(world: World, caller: Caller) -> Any:
    return _shows_name(caller.api.get(f"{API}/runs/"), world)


@action("API see the token's name in a run", R_VIEW, T_VIEW)
def api_token_name(world: World, caller: Caller) -> Any:
    return _shows_name(caller.api.get(f"{API}/runs/{world.run.pk}/"), world)

"""The pages of runs in the console that change nothing."""

from typing import Any

from django.urls import reverse

from fleet.records import Authority, RunStatus
from hosts.jobs import RunKind
from runs.models import Run, RunBodies
from tests.console.conftest import page
from tests.permissions_table.table import (
    D_VIEW,
    DEFINITION,
    R_BODIES,
    R_VIEW,
    S_VIEW,
    SCRIPT,
    T_VIEW,
    TOKEN,
    Caller,
    Do,
    World,
    action,
)


def kept_run(world: World) -> Run:
    """A run whose request was kept."""
    ended = {"status": RunStatus.SUCCEEDED, "authority": Authority.ENDED, "total_milliseconds": 1, "has_bodies": True}
    called = {"definition_id": world.definition.pk, "token_id": world.token.pk, "token_name": world.token.name}
    run = Run.objects.create(kind=RunKind.TRIGGER, **ended, **called)
    RunBodies.objects.create(run_id=run.pk, request="{}", response="")
    return run


@action("console list runs", R_VIEW, covers="runs")
def console_list_runs(world: World, caller: Caller) -> Any:
    return caller.console.get(reverse("admin:runs"))


def showing(kind: str) -> Do:
    def show(world: World, caller: Caller) -> Any:
        return caller.console.get(reverse(f"admin:{kind}", args=[kept_run(world).pk]))

    return show


for kind in ("run", "run_log", "run_comparison"):
    action(f"console page {kind}", R_VIEW, covers=kind)(showing(kind))
action("console ask for bodies", R_VIEW, R_BODIES, covers="run_bodies")(showing("run_bodies"))


def opening_usage(model: str) -> Do:
    def open_page(world: World, caller: Caller) -> Any:
        return caller.console.get(page(model, "usage", world.objects[model].pk))

    return open_page


for model, view in ((DEFINITION, D_VIEW), (TOKEN, T_VIEW), (SCRIPT, S_VIEW)):
    action(f"console usage of {model}", view, R_VIEW, covers=f"{model}_usage")(opening_usage(model))


@action("console compare two runs", R_VIEW)
def console_compare(world: World, caller: Caller) -> Any:
    return caller.console.get(_comparison(world))


@action("console read bodies", R_VIEW, R_BODIES)
def console_read_bodies(world: World, caller: Caller) -> Any:
    return caller.console.post(reverse("admin:run_bodies", args=[kept_run(world).pk]))


@action("console compare the bodies of two runs", R_VIEW, R_BODIES)
def console_compare_bodies(world: World, caller: Caller) -> Any:
    return caller.console.post(_comparison(world))


def _comparison(world: World) -> str:
    address = reverse("admin:run_comparison", args=[kept_run(world).pk])
    return f"{address}?with={kept_run(world).pk}"


@action("console find a run by its token's name", R_VIEW, T_VIEW)
def console_find_by_token_name(world: World, caller: Caller) -> Any:
    kept_run(world)
    response = caller.console.get(reverse("admin:runs"), {"token": world.token.name})
    return response if response.status_code != 200 else bool(response.context_data["rows"])

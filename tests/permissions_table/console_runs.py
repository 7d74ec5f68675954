"""The pages of runs in the console that change nothing."""

from typing import Any

from django.urls import reverse

from fleet.records import Authority, RunStatus
from hosts.jobs import RunKind
from runs.models import Run, RunBodies
from tests.console.conftest import page
from tests.permissions_table.table import (
    C_VIEW,
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


action(f"console usage of {TOKEN}", T_VIEW, R_VIEW, covers=f"{TOKEN}_usage")(opening_usage(TOKEN))


for model, view, now in ((DEFINITION, D_VIEW, "view"), (SCRIPT, S_VIEW, "runs")):

    def moved_usage(world: World, caller: Caller, model: str = model, now: str = now) -> Any:
        moved = caller.console.get(page(model, "usage", world.objects[model].pk))
        return str(moved.get("Location", "")) == page(model, now, world.objects[model].pk)

    action(f"console old address of the usage of {model}", view, covers=f"{model}_usage")(moved_usage)


for tab, needs in (
    ("dependencies", (S_VIEW,)),
    ("uses", (S_VIEW,)),
    ("credentials", (S_VIEW, C_VIEW)),
    ("runs", (S_VIEW, R_VIEW)),
):

    def reading_of_a_script(world: World, caller: Caller, tab: str = tab) -> Any:
        return caller.console.get(page(SCRIPT, tab, world.script.pk))

    action(f"console {tab} of a script", *needs, covers=f"{SCRIPT}_{tab}")(reading_of_a_script)


@action("console runs of a definition", D_VIEW, R_VIEW, covers=f"{DEFINITION}_runs")
def console_runs_of_definition(world: World, caller: Caller) -> Any:
    kept_run(world)
    return caller.console.get(page(DEFINITION, "runs", world.definition.pk))


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

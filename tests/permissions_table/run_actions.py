"""What users do with runs. No script is run here: the body does not convert, which is found after the permissions."""

from typing import Any

import msgspec

from definitions.models import ApiDefinition, InputType
from fleet.kept_bodies import KeptRequest
from fleet.records import Authority, RunStatus
from hosts.jobs import RunKind
from runs.models import Run, RunBodies
from testbed.publisher import ECHO
from tests.permissions_table.table import (
    API,
    D_VIEW,
    EXECUTE,
    R_BODIES,
    R_CANCEL,
    R_VIEW,
    S_EDIT,
    Caller,
    World,
    action,
)

UNFIT = "no JSON"


def ended_run(world: World) -> Run:
    """A run of the definition whose request was kept."""
    run = Run.objects.create(
        kind=RunKind.TRIGGER,
        status=RunStatus.SUCCEEDED,
        authority=Authority.ENDED,
        definition_id=world.definition.pk,
        called_route=world.definition.route,
        method="Post",
        total_milliseconds=1,
        has_bodies=True,
    )
    RunBodies.objects.create(run_id=run.pk, request=msgspec.json.encode(KeptRequest(body=UNFIT)).decode())
    return run


def _request(world: World, **fields: Any) -> dict[str, Any]:
    ApiDefinition._base_manager.filter(pk=world.definition.pk).update(input_type=InputType.PARAMETERS)
    return {"definitionId": str(world.definition.pk), "method": "Post"} | fields


@action("API run a definition", D_VIEW, EXECUTE, covers="runs/")
def api_run(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/runs/", _request(world, rawBody=UNFIT))


@action("API repeat a run with a request of one's own", D_VIEW, EXECUTE)
def api_repeat(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/runs/", _request(world, rawBody=UNFIT, replayOf=str(ended_run(world).pk)))


@action("API replay what was kept", D_VIEW, EXECUTE, R_BODIES)
def api_replay(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/runs/", _request(world, replayOf=str(ended_run(world).pk)))


@action("API try unsaved source", S_EDIT, EXECUTE, covers="scripts/trial/")
def api_try(world: World, caller: Caller) -> Any:
    unfit = {"source": ECHO, "method": "Post", "inputType": "Parameters", "rawBody": UNFIT}
    return caller.api.post(f"{API}/scripts/trial/", unfit)


@action("API cancel a run", R_CANCEL, covers="runs/<str:key>/")
def api_cancel(world: World, caller: Caller) -> Any:
    return caller.api.delete(f"{API}/runs/{ended_run(world).pk}/")


@action("API compare two runs", R_VIEW, covers="runs/<str:key>/compare/")
def api_compare(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/runs/{ended_run(world).pk}/compare/?with={ended_run(world).pk}")

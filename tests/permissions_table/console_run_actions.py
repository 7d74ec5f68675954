"""What users do with runs in the console: cancel them, and run them again."""

from typing import Any

from django.urls import reverse

from tests.permissions_table.run_actions import UNFIT, ended_run
from tests.permissions_table.table import D_VIEW, EXECUTE, R_BODIES, R_CANCEL, R_VIEW, Caller, World, action

REPEAT = (R_VIEW, D_VIEW, EXECUTE, R_BODIES)


@action("console see what runs now", R_VIEW, covers="running_now")
def console_running_now(world: World, caller: Caller) -> Any:
    return caller.console.get(reverse("admin:running_now"))


@action("console ask to cancel a run", R_VIEW, R_CANCEL, covers="run_cancel")
def console_ask_to_cancel(world: World, caller: Caller) -> Any:
    return caller.console.get(reverse("admin:run_cancel", args=[ended_run(world).pk]))


@action("console cancel a run", R_VIEW, R_CANCEL)
def console_cancel(world: World, caller: Caller) -> Any:
    run = ended_run(world)
    response = caller.console.post(reverse("admin:run_cancel", args=[run.pk]))
    return response.headers.get("Location") == reverse("admin:run", args=[run.pk])


@action("console open the form to run again", R_VIEW, D_VIEW, EXECUTE, covers="run_again")
def console_open_again(world: World, caller: Caller) -> Any:
    return caller.console.get(reverse("admin:run_again", args=[ended_run(world).pk]))


@action("console see what was kept in the form to run again", R_VIEW, D_VIEW, EXECUTE, R_BODIES)
def console_see_what_was_sent(world: World, caller: Caller) -> Any:
    response = caller.console.get(reverse("admin:run_again", args=[ended_run(world).pk]))
    return response if response.status_code != 200 else response.context_data["start"]["body"] == UNFIT


@action("console run again", R_VIEW, D_VIEW, EXECUTE)
def console_run_again(world: World, caller: Caller) -> Any:
    address = reverse("admin:run_again", args=[ended_run(world).pk])
    return caller.console.post(address, {"method": "Post", "rawBody": UNFIT}, "application/json")


@action("console list the last runs to run again", *REPEAT, covers="run_series")
def console_series(world: World, caller: Caller) -> Any:
    return caller.console.get(reverse("admin:run_series", args=[world.definition.pk]))


@action("console run one of the last runs again", *REPEAT, covers="run_series_repeat")
def console_repeat(world: World, caller: Caller) -> Any:
    sent = {"runId": str(ended_run(world).pk), "isConfirmed": True}
    return caller.console.post(reverse("admin:run_series_repeat"), sent, "application/json")

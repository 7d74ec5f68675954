"""Events: those of each kind of object with the UI available flag of that kind."""

from typing import Any

from events.visibility import KeyCredential, Reader
from tests.console.conftest import page
from tests.permissions_table.table import (
    API,
    C_VIEW,
    CREDENTIAL,
    D_VIEW,
    DEFINITION,
    EVENT,
    R_VIEW,
    RUN,
    S_VIEW,
    SCRIPT,
    T_VIEW,
    TOKEN,
    Caller,
    World,
    action,
)

ANY_EVENTS = (D_VIEW, T_VIEW, S_VIEW, C_VIEW, R_VIEW)


@action("console columns of events", *ANY_EVENTS, either=True, covers=f"{EVENT}_look")
def console_columns_of_events(world: World, caller: Caller) -> Any:
    return caller.console.post(f"{page(EVENT, 'changelist')}look/", {"size": "25"})


KINDS_OF_EVENTS = [
    ("ApiDefinition", DEFINITION, D_VIEW),
    ("ApiToken", TOKEN, T_VIEW),
    ("AutomationScript", SCRIPT, S_VIEW),
    ("Credential", CREDENTIAL, C_VIEW),
    ("Run", RUN, R_VIEW),
]

for object_type, model, flag in KINDS_OF_EVENTS:

    def seen(response, world: World, model: str = model) -> bool:
        """Whether the answer tells of the object."""
        if response.status_code != 200:
            return False
        if "cl" in (getattr(response, "context_data", None) or {}):
            return any(event.object_id == world.objects[model].pk for event in response.context_data["cl"].result_list)
        if "adminform" in (getattr(response, "context_data", None) or {}):
            return True
        content = b"".join(response.streaming_content) if response.streaming else response.content
        return str(world.objects[model].pk).encode() in content

    def listed(world: World, caller: Caller, object_type=object_type, seen=seen) -> Any:
        return seen(caller.api.get(f"{API}/events/?objectType={object_type}"), world)

    def unfiltered(world: World, caller: Caller, seen=seen) -> Any:
        return seen(caller.api.get(f"{API}/events/?limit=10000"), world)

    def searched(world: World, caller: Caller, seen=seen, model: str = model) -> Any:
        return seen(caller.api.get(f"{API}/events/?search={world.objects[model].pk}"), world)

    def counted(world: World, caller: Caller, object_type=object_type) -> Any:
        response = caller.api.get(f"{API}/events/count/?objectType={object_type}")
        return response.status_code == 200 and response.json()["count"] > 0

    def retrieved(world: World, caller: Caller, model: str = model, seen=seen) -> Any:
        return seen(caller.api.get(f"{API}/events/{world.event(world.objects[model].pk).event_id}/"), world)

    def exported_csv(world: World, caller: Caller, seen=seen) -> Any:
        return seen(caller.api.get(f"{API}/events/export/csv/"), world)

    def exported_lines(world: World, caller: Caller, seen=seen) -> Any:
        return seen(caller.api.get(f"{API}/events/export/jsonl/"), world)

    def live(world: World, caller: Caller, object_type=object_type) -> Any:
        return object_type in Reader(caller.user.pk, _AnyCredential("")).readable()

    def console_list(world: World, caller: Caller, seen=seen, model: str = model) -> Any:
        return seen(caller.console.get(f"{page(EVENT, 'changelist')}?q={world.objects[model].pk}"), world)

    def console_csv(world: World, caller: Caller, seen=seen) -> Any:
        return seen(caller.console.get(f"{page(EVENT, 'changelist')}export/csv/"), world)

    def console_lines(world: World, caller: Caller, seen=seen) -> Any:
        return seen(caller.console.get(f"{page(EVENT, 'changelist')}export/jsonl/"), world)

    def console_one(world: World, caller: Caller, model: str = model, seen=seen) -> Any:
        return seen(caller.console.get(page(EVENT, "change", world.event(world.objects[model].pk).pk)), world)

    action(f"API list events of {object_type}", flag, covers="events/")(listed)
    action(f"API list all events, {object_type} in it", flag)(unfiltered)
    action(f"API search events of {object_type}", flag)(searched)
    action(f"API count events of {object_type}", flag, covers="events/count/")(counted)
    action(f"API read an event of {object_type}", flag, covers="events/<str:key>/")(retrieved)
    action(f"API export events of {object_type} as CSV", flag, covers="events/export/csv/")(exported_csv)
    action(f"API export events of {object_type} as lines", flag, covers="events/export/jsonl/")(exported_lines)
    action(f"API live events of {object_type}", flag, covers="events/stream/")(live)
    action(f"console list events of {object_type}", flag, covers=f"{EVENT}_changelist")(console_list)
    action(f"console export events of {object_type} as CSV", flag, covers="events_export_csv")(console_csv)
    action(f"console export events of {object_type} as lines", flag, covers="events_export_jsonl")(console_lines)
    action(f"console show an event of {object_type}", flag, covers=f"{EVENT}_change")(console_one)


@action("API count events of what scripts say", S_VIEW)
def _said(_: World, caller: Caller) -> Any:
    response = caller.api.get(f"{API}/events/count/?verb=said")
    return response.status_code == 200 and response.json()["count"] == 1


class _AnyCredential(KeyCredential):
    def holds(self, user: object) -> bool:
        return True

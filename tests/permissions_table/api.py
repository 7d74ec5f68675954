"""The management API: flags are independent, Add/Edit works without UI available."""

from typing import Any

from testbed.publisher import ECHO
from tests.permissions_table.table import (
    API,
    C_EDIT,
    D_EDIT,
    D_VIEW,
    EXECUTE,
    KINDS,
    RUNNABLE,
    S_EDIT,
    S_VIEW,
    T_EDIT,
    T_VIEW,
    Caller,
    Do,
    World,
    action,
)
from tokens.models import ApiToken


def _api(name: str, needs: tuple[str, ...], covers: str, do: Do, changes: bool = False) -> None:
    action(f"API {name}", *needs, changes=changes, covers=covers)(do)


NEW = {
    "definitions": lambda world: {"route": "new/route", "actionMeta": {"scriptName": world.free_script.name}},
    "tokens": lambda world: {"name": "new"},
    "scripts": lambda world: {"name": "new", "source": ECHO},
    "credentials": lambda world: {"name": "new", "value": "new", "allowedScripts": [world.free_script.name]},
}
CHANGED = {
    "definitions": {"name": "changed"},
    "tokens": {"name": "changed"},
    "scripts": {"description": "changed"},
    "credentials": {"value": "changed"},
}
KEY = {"scripts": "name"}


def _address(world: World, kind: str, model: str) -> str:
    return f"{API}/{kind}/{getattr(world.objects[model], KEY.get(kind, 'pk'))}/"


for kind, model, view, edit, delete in KINDS:
    one = f"{kind}/<path:key>/" if kind == "scripts" else f"{kind}/<str:key>/"

    def listing(world: World, caller: Caller, kind: str = kind) -> Any:
        return caller.api.get(f"{API}/{kind}/")

    def counting(world: World, caller: Caller, kind: str = kind) -> Any:
        return caller.api.get(f"{API}/{kind}/count/")

    def searching(world: World, caller: Caller, kind: str = kind) -> Any:
        return caller.api.get(f"{API}/{kind}/?search=e")

    def reading(world: World, caller: Caller, kind: str = kind, model: str = model) -> Any:
        return caller.api.get(_address(world, kind, model))

    def creating(world: World, caller: Caller, kind: str = kind) -> Any:
        return caller.api.post(f"{API}/{kind}/", NEW[kind](world))

    def putting(world: World, caller: Caller, kind: str = kind, model: str = model) -> Any:
        return caller.api.put(_address(world, kind, model), NEW[kind](world))

    def patching(world: World, caller: Caller, kind: str = kind, model: str = model) -> Any:
        return caller.api.patch(_address(world, kind, model), CHANGED[kind])

    def deleting(world: World, caller: Caller, kind: str = kind, model: str = model) -> Any:
        return caller.api.delete(_address(world, kind, model))

    _api(f"list {kind}", view, f"{kind}/", listing)
    _api(f"count {kind}", view, f"{kind}/count/", counting)
    _api(f"search {kind}", view, f"{kind}/", searching)
    _api(f"read one of {kind}", view, one, reading)
    _api(f"create in {kind}", edit, f"{kind}/", creating, changes=True)
    _api(f"put one of {kind}", edit, one, putting, changes=True)
    _api(f"patch one of {kind}", edit, one, patching, changes=True)
    _api(f"delete one of {kind}", delete, one, deleting, changes=True)


@action("API rotate a token", T_EDIT, changes=True, covers="tokens/<str:key>/rotate/")
def api_rotate(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/tokens/{world.token.pk}/rotate/", {})


@action("API disable a token", T_EDIT, changes=True, covers="tokens/<str:key>/disable/")
def api_disable(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/tokens/{world.token.pk}/disable/", {})


@action("API enable a token", T_EDIT, changes=True, covers="tokens/<str:key>/enable/")
def api_enable(world: World, caller: Caller) -> Any:
    ApiToken._base_manager.filter(pk=world.free_token.pk).update(is_disabled=True)
    return caller.api.post(f"{API}/tokens/{world.free_token.pk}/enable/", {})


@action("API disable a definition", D_EDIT, EXECUTE, changes=True, covers="definitions/<str:key>/disable/")
def api_disable_definition(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/definitions/{world.definition.pk}/disable/", {})


@action("API enable a definition", D_EDIT, EXECUTE, changes=True, covers="definitions/<str:key>/enable/")
def api_enable_definition(world: World, caller: Caller) -> Any:
    # Past the rules, and without an event: only the request counts as a change.
    type(world.definition)._base_manager.filter(pk=world.definition.pk).update(is_disabled=True)
    return caller.api.post(f"{API}/definitions/{world.definition.pk}/enable/", {})


@action("API pin a definition", D_EDIT, EXECUTE, changes=True)
def api_pin(world: World, caller: Caller) -> Any:
    return caller.api.patch(f"{API}/definitions/{world.definition.pk}/", {"actionMeta": {"scriptVersion": 1}})


@action("API allow a token", D_EDIT, EXECUTE, changes=True)
def api_allow(world: World, caller: Caller) -> Any:
    allowed = {"securitySettings": {"allowedTokens": [str(world.free_token.pk)]}}
    return caller.api.patch(f"{API}/definitions/{world.definition.pk}/", allowed)


@action("API grant a credential", C_EDIT, changes=True)
def api_grant(world: World, caller: Caller) -> Any:
    return caller.api.patch(f"{API}/credentials/{world.credential.pk}/", {"allowedScripts": [world.script.name]})


@action("API change a used script's source", S_EDIT, EXECUTE, changes=True)
def api_used_source(world: World, caller: Caller) -> Any:
    return caller.api.patch(f"{API}/scripts/{world.script.name}/", {"source": ECHO + "\n"})


@action("API put a used script's source", S_EDIT, EXECUTE, changes=True)
def api_put_used_source(world: World, caller: Caller) -> Any:
    return caller.api.put(f"{API}/scripts/{world.script.name}/", {"name": world.script.name, "source": ECHO + "\n"})


@action("API change a used script's description", S_EDIT, changes=True)
def api_used_description(world: World, caller: Caller) -> Any:
    return caller.api.patch(f"{API}/scripts/{world.script.name}/", {"description": "changed"})


@action("API change a free script's source", S_EDIT, changes=True)
def api_free_source(world: World, caller: Caller) -> Any:
    return caller.api.patch(f"{API}/scripts/{world.free_script.name}/", {"source": ECHO + "\n"})


# Scripts call a script with run(engine) by its name, so what changes which code that is needs Execute.
RENAMED_OR_CHANGED = {"rename": {"name": "other"}, "change": {"source": RUNNABLE + "\n"}, "disarm": {"source": ECHO}}


@action("API add a callable script", S_EDIT, EXECUTE, changes=True)
def api_add_callable(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/scripts/", {"name": "new", "source": RUNNABLE})


@action("API make a free script callable", S_EDIT, EXECUTE, changes=True)
def api_make_callable(world: World, caller: Caller) -> Any:
    return caller.api.patch(f"{API}/scripts/{world.free_script.name}/", {"source": RUNNABLE})


@action("API rename a script that is not callable", S_EDIT, changes=True)
def api_rename_free(world: World, caller: Caller) -> Any:
    return caller.api.patch(f"{API}/scripts/{world.free_script.name}/", {"name": "other"})


@action("API describe a callable script", S_EDIT, changes=True)
def api_describe_callable(world: World, caller: Caller) -> Any:
    return caller.api.patch(f"{API}/scripts/{world.callable_script.name}/", {"description": "changed"})


for what, change in RENAMED_OR_CHANGED.items():

    def changing_callable(world: World, caller: Caller, change: dict[str, str] = change) -> Any:
        return caller.api.patch(f"{API}/scripts/{world.callable_script.name}/", change)

    action(f"API {what} a callable script", S_EDIT, EXECUTE, changes=True)(changing_callable)


ONE_VERSION = "scripts/<path:key>/versions/<str:number>/"


@action("API list versions", S_VIEW, covers="scripts/<path:key>/versions/")
def api_versions(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/scripts/{world.script.name}/versions/")


@action("API read a version", S_VIEW, covers=ONE_VERSION)
def api_version(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/scripts/{world.script.name}/versions/1/")


@action("API activate a version of a used script", S_EDIT, EXECUTE, changes=True, covers=f"{ONE_VERSION}activate/")
def api_activate_used(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/scripts/{world.script.name}/versions/1/activate/", {})


@action("API activate a version of a library", S_EDIT, EXECUTE, changes=True)
def api_activate_library(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/scripts/shared_code/versions/1/activate/", {})


@action("API activate a version of a free script", S_EDIT, changes=True)
def api_activate_free(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/scripts/{world.free_script.name}/versions/1/activate/", {})


# An importing library is code that scripts of APIs run; the script named `importing` is used by no API.
for script, library, needs in (
    ("middle_code", "shared_code", (S_EDIT, EXECUTE)),
    ("importing", "spare_code", (S_EDIT,)),
):

    def renewing(world: World, caller: Caller, script: str = script) -> Any:
        return caller.api.post(f"{API}/scripts/{script}/renew/", {})

    def renewing_users(world: World, caller: Caller, library: str = library) -> Any:
        return caller.api.post(f"{API}/scripts/{library}/renew-users/", {})

    _api(f"renew {script}", needs, "scripts/<path:key>/renew/", renewing, changes=True)
    _api(f"renew the users of {library}", needs, "scripts/<path:key>/renew-users/", renewing_users, changes=True)


@action("API dry run of a new script", S_EDIT)
def api_try_new(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/scripts/?dryRun=true", NEW["scripts"](world))


@action("API dry run of a used script's source", S_EDIT, EXECUTE)
def api_try_source(world: World, caller: Caller) -> Any:
    return caller.api.patch(f"{API}/scripts/{world.script.name}/?dryRun=true", {"source": ECHO + "\n"})


@action("API dry run of a replaced library", S_EDIT, EXECUTE)
def api_try_library(world: World, caller: Caller) -> Any:
    body = {"name": "shared_code", "kind": "Library", "source": "NAME = 3\n"}
    return caller.api.put(f"{API}/scripts/shared_code/?dryRun=true", body)


@action("API dry run of activating a version", S_EDIT, EXECUTE)
def api_try_activate(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/scripts/{world.script.name}/versions/1/activate/?dryRun=true", {})


@action("API list nodes", D_VIEW, T_VIEW, either=True, covers="nodes/")
def api_nodes(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/nodes/")


@action("API mirror", D_VIEW, T_VIEW, either=True, covers="mirror/")
def api_mirror(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/mirror/")


@action("API health", D_VIEW, T_VIEW, either=True, covers="health/")
def api_health(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/health/")


@action("API trigger message", D_VIEW, T_VIEW, EXECUTE, covers="trigger/")
def api_trigger(world: World, caller: Caller) -> Any:
    return caller.api.post(f"{API}/trigger/", {})

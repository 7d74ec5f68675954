"""Packages over the management API: another build, or other packages, is other code that may run."""

from typing import Any

from automation.models import AutomationScript
from automation.versions import ScriptVersion
from testbed.publisher import ECHO
from tests.automation.built import needing, unbuilt
from tests.permissions_table.table import API, D_VIEW, EXECUTE, S_EDIT, T_VIEW, Caller, World, action

PACKED = needing("six", body=ECHO)


def _build(caller: Caller, script: AutomationScript) -> Any:
    unbuilt(ScriptVersion.objects.get(script=script, number=1))
    return caller.api.post(f"{API}/scripts/{script.name}/versions/1/build/", {})


def _renew_packages(caller: Caller, script: AutomationScript) -> Any:
    AutomationScript._base_manager.filter(pk=script.pk).update(source=PACKED)
    ScriptVersion._base_manager.filter(script=script).update(source=PACKED)
    return caller.api.post(f"{API}/scripts/{script.name}/renew/", {"packages": True})


BUILD = "scripts/<path:key>/versions/<str:number>/build/"


@action("API build a version of a used script", S_EDIT, EXECUTE, changes=True, covers=BUILD)
def api_build_used(world: World, caller: Caller) -> Any:
    return _build(caller, world.script)


@action("API build a version of a free script", S_EDIT, changes=True)
def api_build_free(world: World, caller: Caller) -> Any:
    return _build(caller, world.free_script)


@action("API renew the packages of a used script", S_EDIT, EXECUTE, changes=True)
def api_renew_packages_used(world: World, caller: Caller) -> Any:
    return _renew_packages(caller, world.script)


@action("API renew the packages of a free script", S_EDIT, changes=True)
def api_renew_packages_free(world: World, caller: Caller) -> Any:
    return _renew_packages(caller, world.free_script)


@action("API list environments", D_VIEW, T_VIEW, either=True, covers="environments/")
def api_environments(world: World, caller: Caller) -> Any:
    return caller.api.get(f"{API}/environments/")

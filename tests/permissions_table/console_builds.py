"""Packages in the console: another build, or other packages, is other code that may run."""

from typing import Any

from automation import build_changes, build_ends
from automation.models import AutomationScript
from automation.requirements import Requirements
from automation.versions import ScriptVersion
from testbed.publisher import ECHO
from tests.console.conftest import page
from tests.permissions_table.table import D_VIEW, EXECUTE, S_EDIT, S_VIEW, SCRIPT, T_VIEW, Caller, World, action

PACKED = f'# /// script\n# dependencies = ["six"]\n# ///\n{ECHO}'
USED, FREE = (S_VIEW, S_EDIT, EXECUTE), (S_VIEW, S_EDIT)


def _failed(script: AutomationScript) -> str:
    """The page of the build of its first version, which has failed."""
    version = ScriptVersion.objects.get(script=script, number=1)
    needed = Requirements(dependencies=("six",))
    build = build_changes.begin(version, needed, None, by="system", is_ready=False, becomes_current=False)
    build_ends.failed(build.pk, "There is no package six.")
    return page(SCRIPT, "build", script.pk, 1)


def _packed(script: AutomationScript) -> str:
    """The page that resolves its packages again."""
    AutomationScript._base_manager.filter(pk=script.pk).update(source=PACKED)
    ScriptVersion._base_manager.filter(script=script).update(source=PACKED)
    return page(SCRIPT, "resolve", script.pk)


@action("console look at a build", S_VIEW, covers=f"{SCRIPT}_build")
def console_build(world: World, caller: Caller) -> Any:
    return caller.console.get(_failed(world.script))


@action("console build a version of a used script", *USED, changes=True)
def console_build_used(world: World, caller: Caller) -> Any:
    return caller.console.post(_failed(world.script))


@action("console build a version of a free script", *FREE, changes=True)
def console_build_free(world: World, caller: Caller) -> Any:
    return caller.console.post(_failed(world.free_script))


@action("console ask to resolve packages again", *USED, covers=f"{SCRIPT}_resolve")
def console_ask_to_resolve(world: World, caller: Caller) -> Any:
    return caller.console.get(_packed(world.script))


@action("console resolve the packages of a used script", *USED, changes=True)
def console_resolve_used(world: World, caller: Caller) -> Any:
    return caller.console.post(_packed(world.script), {"seen_revision": world.script.revision})


@action("console resolve the packages of a free script", *FREE, changes=True)
def console_resolve_free(world: World, caller: Caller) -> Any:
    return caller.console.post(_packed(world.free_script), {"seen_revision": world.free_script.revision})


@action("console list environments", D_VIEW, T_VIEW, either=True, covers="environments")
def console_environments(world: World, caller: Caller) -> Any:
    return caller.console.get("/console/environments/")

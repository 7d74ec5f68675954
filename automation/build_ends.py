"""How builds end. What an end changes of its script, it changes in the same transaction."""

import re
from typing import Final

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _

from automation import libraries
from automation.builds import LONGEST_MESSAGE, Build, BuildState
from automation.models import AutomationScript
from automation.required import is_required
from automation.source import Block, contents_of
from automation.versions import ScriptVersion, content_of

_NAME: Final = re.compile(r"[\w.-]+")

# Sent by AutomationScript: `instance`, `text` (what became of a version, a predicate), `by` (who had saved it).
build_ended: Final = Signal()


@transaction.atomic
def ready(build_id: int) -> None:
    """Every node has what a build needs: its version is ready, and becomes current if it was saved to.

    Callers that did not wait for the end of a transaction may end a build twice; the second end does nothing.
    """
    build = _going_on(build_id)
    if build is None:
        return
    version = build.version
    if version is None:
        _end(build, BuildState.READY)
        return
    if missing := [name for name, library in version.libraries().items() if library is None]:
        _fail(build, version, _("The library {} has been deleted.").format(missing[0]))
        return
    _end(build, BuildState.READY)
    is_current = build.becomes_current and _make_current(version)
    _tell(build, version, f"version {version.number} is ready" + (" and current" if is_current else ""))


@transaction.atomic
def failed(build_id: int, message: str) -> None:
    """No node could build it: callers go on getting the version that they get now."""
    build = _going_on(build_id)
    if build is not None and build.version is not None:
        _fail(build, build.version, message)
    elif build is not None:
        _end(build, BuildState.FAILED, message)


@transaction.atomic
def environment_removed(lock_id: int) -> bool:
    """Mark the builds of a lock as not ready; False, and nothing is marked, if nodes must keep its environment."""
    builds = Build.objects.filter(lock=lock_id)
    states = dict(builds.select_for_update(skip_locked=True).values_list("pk", "state"))
    # Somebody who has locked one may be about to rely on the environment.
    if len(states) < builds.count() or BuildState.BUILDING in states.values() or is_required(lock_id):
        return False
    message = _("Its environment was removed to make room. Build it again to run it.")
    Build.objects.filter(pk__in=states, state=BuildState.READY).update(state=BuildState.FAILED, message=message)
    return True


def _going_on(build_id: int) -> Build | None:
    """The build with its version, if it has not ended. In the order of every save: first the row of the script, then
    the libraries, of which nobody may delete one before the commit.
    """
    script_ids = ScriptVersion.objects.filter(build=build_id).values("script")
    if list(AutomationScript._base_manager.filter(pk__in=script_ids).select_for_update().values_list("pk")):
        libraries.hold_libraries()
    # A trial has no version, and PostgreSQL locks no row that may be missing.
    rows = Build.objects.filter(pk=build_id, state=BuildState.BUILDING).select_for_update(of=("self",))
    return rows.select_related("version__script", "lock").first()


def _end(build: Build, state: BuildState, message: str = "", line: int | None = None) -> None:
    build.state, build.message, build.line = state, message[:LONGEST_MESSAGE], line
    build.ended_at = timezone.now()
    build.save(update_fields=["state", "message", "line", "ended_at"])


def _fail(build: Build, version: ScriptVersion, message: str) -> None:
    """What only the block of a library asks for has no line of the source: the message names the library."""
    found = {name: library for name, library in version.libraries().items() if library is not None}
    own, *others = contents_of([version.source, *(library.source for library in found.values())])
    line = _line_of(message, own.block) if own.block else None
    blamed = [
        name
        for name, each in zip(found, others, strict=True)
        if each.block and _line_of(message, each.block) is not None
    ]
    if line is None and blamed:
        message = _("{} The library {} asks for it.").format(message, blamed[0])
    _end(build, BuildState.FAILED, message, line)
    _tell(build, version, f"version {version.number} could not be built: {message}")


def _make_current(version: ScriptVersion) -> bool:
    """Make a version current unless its script was saved otherwise meanwhile, also by the release before."""
    script = version.script
    if script.pending_version != version.number or content_of(script) != content_of(version):
        return False
    rows = AutomationScript._base_manager.filter(pk=script.pk)
    rows.update(current_version=version.number, pending_version=None)
    return True


def _tell(build: Build, version: ScriptVersion, text: str) -> None:
    build_ended.send(sender=AutomationScript, instance=version.script, text=text, by=build.started_by)


def _line_of(message: str, block: Block) -> int | None:
    """The line of the first dependency that the message names, or that of a block whose Python it is about."""
    for line, text in block.dependencies:
        if (found := _NAME.match(text.strip())) and _is_named(found.group(), message):
            return line
    return block.line if "requires-python" in message or "the script requires" in message else None


def _is_named(package: str, message: str) -> bool:
    pattern = "[-_.]+".join(re.escape(part) for part in re.split("[-_.]+", package))
    return bool(re.search(rf"(?<![\w.-]){pattern}(?![\w-])", message, re.I))

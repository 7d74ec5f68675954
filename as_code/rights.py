"""The policy as an import asks it: before anything is compared, and before anything is changed."""

from collections.abc import Mapping

from access.policy import Action
from as_code.actors import Actor
from as_code.documents import Files
from as_code.faults import Faults
from as_code.kinds import DEFINITIONS, KINDS, SCRIPTS, TOKENS
from as_code.plan import Plan
from as_code.stored import Stored
from definitions.publication import Exposure, why_publishing
from objects.authorship import AuthoredModel

Objects = Mapping[str, list[AuthoredModel]]


def check_reading(files: Files, actor: Actor, faults: Faults) -> None:
    """An import tells what is stored: whoever may not read a kind that the files speak of gets no further.

    Raises:
        RefusedImportError: he may not.
    """
    for kind in KINDS:
        place = files.sections.get(kind.section)
        if place is None and files.of(DEFINITIONS):
            # Definitions refer to scripts and tokens by name, which says whether they are there.
            place = files.sections[DEFINITIONS.section]
        if place is not None and not actor.may(kind, "view"):
            faults.add(place, actor.refusal(kind, "view", f"read {kind.section}"))
    faults.stop()


def check_changes(plan: Plan, stored: Stored, actor: Actor, faults: Faults) -> None:
    """Every change needs the flags of that change; what is refused is said once for each kind."""
    for kind in KINDS:
        said: set[Action] = set()
        for target in plan.changes(kind):
            action: Action = "add" if target.is_new else "change"
            if action not in said and not actor.may(kind, action):
                said.add(action)
                faults.add(target.entry.place, actor.refusal(kind, action, f"{action} {kind.section}"))
    if not actor.may(SCRIPTS, "publish"):
        _check_publishing(plan, stored, actor, faults)


def _check_publishing(plan: Plan, stored: Stored, actor: Actor, faults: Faults) -> None:
    """Said of the first script for each reason."""
    used = {definition.script_id for definition in stored.definitions}
    said: set[str] = set()
    for target in plan.changes(SCRIPTS):
        was = None if target.is_new else target.instance
        exposure = Exposure(target.instance.pk in used, bool(stored.definitions))
        why = why_publishing(was, target.entry.values["name"], target.entry.values["source"], exposure)
        if why is not None and str(why) not in said:
            said.add(str(why))
            faults.add(target.entry.place, f"{actor.name} may not do this. {why}")


def prunable(plan: Plan, files: Files, actor: Actor) -> tuple[Objects, Objects]:
    """What no file names, of the kinds of which the files speak: what the actor may delete, and what he may not."""
    unnamed = {kind.section: plan.unnamed[kind.section] for kind in KINDS if kind.section in files.sections}
    may = {kind.section: actor.may(kind, "delete") for kind in (DEFINITIONS, TOKENS, SCRIPTS)}
    doomed = {section: objects for section, objects in unnamed.items() if may[section]}
    kept = {section: objects for section, objects in unnamed.items() if not may[section]}
    return doomed, kept

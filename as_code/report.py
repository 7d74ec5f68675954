"""What an import has changed, or would change in a dry run: counted, as a unified difference, and with warnings."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from as_code.entries import Entry
from as_code.kinds import DEFINITIONS, KINDS, SCRIPTS, TOKENS, DocumentKind
from as_code.permissions import Actor, Objects
from as_code.plan import Plan, Target
from as_code.yaml_format import as_yaml
from automation.source import has_entry_point
from definitions.models import ApiDefinition

_SHOWN_ROUTES = 20


@dataclass
class Report:
    """What one import did."""

    plan: Plan
    deleted: Objects
    kept: Objects
    """What `--prune` left because the user may not delete it."""
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """The secrets of new tokens, by key."""
    warnings: list[str] = field(default_factory=list)
    """What is allowed, but probably not intended."""

    def __post_init__(self) -> None:
        """Describe the objects that are to be deleted while they exist."""
        content = self.plan.stored.content
        self._gone = {kind: [kind.written(content(kind, one)) for one in self.deleted.get(kind, ())] for kind in KINDS}

    def summary(self) -> Iterator[str]:
        """A line for each kind, what was kept, and the warnings."""
        for kind in KINDS:
            changes = self.plan.changes(kind)
            added = sum(target.is_new for target in changes)
            total, gone = len(self.plan.targets[kind]), len(self._gone[kind])
            numbers = f"{added} added, {len(changes) - added} changed, {gone} deleted, {total - len(changes)} unchanged"
            yield f"{kind.section}: {numbers}"
        for kind in KINDS:
            if kept := self.kept.get(kind):
                yield f"{kind.section}: {len(kept)} that no file names were kept: you may not delete {kind.section}"
        yield from self.warnings

    def difference(self) -> Iterator[str]:
        """A unified difference of the entries of everything that changes."""
        for kind in KINDS:
            for target in self.plan.changes(kind):
                before = {} if target.is_new else kind.written(target.was)
                yield from _difference(kind, target.entry.title, before, kind.written(_after(target.entry)))
            for entry in self._gone[kind]:
                yield from _difference(kind, entry.get("route") or entry["name"], entry, {})


def _difference(kind: DocumentKind, title: str, *entries: Mapping[str, Any]) -> Iterator[str]:
    old, new = (as_yaml(entry).splitlines() if entry else [] for entry in entries)
    old_file, new_file = (f"{kind.noun} {_on_one_line(title)}" if entry else "/dev/null" for entry in entries)
    return difflib.unified_diff(old, new, old_file, new_file, lineterm="")


def _after(entry: Entry) -> dict[str, Any]:
    """The values of an entry without those that exist only in the file, and without confidential ones."""
    values = {**entry.values, "id": None, "key": None}
    if entry.kind is DEFINITIONS:
        values["allowedTokens"] = sorted(set(values["allowedTokens"]))
    if entry.kind is TOKENS and values["secretDigest"]:
        values["secretDigest"] = "the one in the file"
    return values


def entry_point_warnings(plan: Plan, actor: Actor) -> Iterator[str]:
    """A sentence for each entry point in use that a script loses, which is allowed; ask when all else is saved."""
    for target in plan.changes(SCRIPTS):
        if target.changes("source"):
            yield from _warnings_of(target, actor)


def _warnings_of(target: Target, actor: Actor) -> Iterator[str]:
    # Asked after saving: a definition that the import changes or prunes has lost nothing.
    for action_type, entry_point in ApiDefinition.entry_points.items():
        was, is_now = (has_entry_point(values["source"], entry_point) for values in (target.was, target.entry.values))
        using = ApiDefinition.objects.filter(script=target.instance, action_type=action_type)
        routes = list(using.values_list("route", flat=True)) if was and not is_now else []
        if routes:
            script = f"the script {_on_one_line(target.entry.title)} ({target.entry.source_file})"
            more = f" and {len(routes) - _SHOWN_ROUTES} more" if len(routes) > _SHOWN_ROUTES else ""
            may_read = actor.may(DEFINITIONS, "view")
            using_it = f"{', '.join(routes[:_SHOWN_ROUTES])}{more}" if may_read else f"{len(routes)} definition(s)"
            yield f"Warning: {script} loses {entry_point}; these answer error 15 then: {using_it}."


def _on_one_line(text: str) -> str:
    """A name in a title, without control characters."""
    return text if text.isprintable() else repr(text)

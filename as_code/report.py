"""What an import has changed, or would change in a dry run: counted, as a unified difference, and with warnings."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from as_code.awaited_builds import AwaitedBuild
from as_code.entries import Entry, FilePosition
from as_code.kinds import CREDENTIALS, DEFINITIONS, KINDS, TOKENS, DocumentKind
from as_code.permissions import Objects
from as_code.plan import Plan, Target
from as_code.versions import Used
from as_code.yaml_format import as_yaml
from definitions.models import ApiDefinition
from definitions.warnings import Consequence, consequences

_SHOWN_ROUTES = 20
_UNSHOWN = "the one in the file"


@dataclass
class Report:
    """What one import did."""

    plan: Plan
    deleted: Objects
    kept: Objects
    """What `--prune` left because the user may not delete it."""
    may_read_definitions: bool
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """The secrets of new tokens, by key."""
    renewals: list[str] = field(default_factory=list)
    """The scripts that get other versions of their libraries, and which."""
    warnings: list[str] = field(default_factory=list)
    """What is allowed, but probably not intended."""
    awaited: Sequence[AwaitedBuild] = ()
    """What has to be built until all of this runs."""
    _consequences: list[tuple[Target, Consequence]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        """Describe the objects that are to be deleted while they exist."""
        content = self.plan.stored.content
        self._gone = {kind: [kind.written(content(kind, one)) for one in self.deleted.get(kind, ())] for kind in KINDS}

    def note(self, target: Target, libraries: Used) -> None:
        """Note what saving a script with these `libraries` will do; it has the values of its entry already."""
        if any(map(target.changes, ("kind", "source", "parameters"))):
            self._consequences += ((target, one) for one in consequences(target.instance))
        was = self.plan.stored.uses.get(target.instance.pk, {})
        renewed = [
            f"{name} {was[name].number} → {version.number}"
            for name, version in libraries.items()
            if name in was and was[name].content_hash != version.content_hash
        ]
        if renewed:
            self.renewals.append(f"renewed: {_on_one_line(target.entry.title)} ({', '.join(renewed)})")

    def finish(self) -> None:
        """Write the warnings. Everything is saved, so definitions that no longer run the script are left out."""
        for target, consequence in self._consequences:
            running = {one.pk: one.action_type for one in consequence.definitions}
            still = ApiDefinition.objects.filter(pk__in=running, script=target.instance, script_version=None)
            if routes := [one.route for one in still.order_by("route") if one.action_type == running[one.pk]]:
                self.warnings.append(_warning(target.entry, consequence, routes, self.may_read_definitions))

    def summary(self) -> Iterator[str]:
        """A line for each kind, what else happens to scripts, what was kept, and the warnings."""
        for kind in KINDS:
            changes = self.plan.changes(kind)
            added = sum(target.is_new for target in changes)
            total, gone = len(self.plan.targets[kind]), len(self._gone[kind])
            numbers = f"{added} added, {len(changes) - added} changed, {gone} deleted, {total - len(changes)} unchanged"
            yield f"{kind.section}: {numbers}"
        yield from self._versions()
        yield from self.renewals
        yield from (each.needs() for each in self.awaited)
        for kind in KINDS:
            if kept := self.kept.get(kind):
                yield f"{kind.section}: {len(kept)} that no file names were kept: you may not delete {kind.section}"
        yield from self.warnings

    def _versions(self) -> Iterator[str]:
        if added := sum(map(len, self.plan.versions.new.values())):
            yield f"versions: {added} added"
        for title, number, here in self.plan.versions.renumbered():
            yield f"version {number} of {_on_one_line(title)} in the files is version {here} in this database"

    def difference(self) -> Iterator[str]:
        """A unified difference of the entries of everything that changes."""
        for kind in KINDS:
            for target in self.plan.changes(kind):
                after = _after(target.entry)
                before = {} if target.is_new else kind.written(_before(target, after))
                after = kind.written(after) | ({"value": _UNSHOWN} if target.gets_value else {})
                yield from _difference(kind, target.entry.title, before, after)
            for entry in self._gone[kind]:
                yield from _difference(kind, entry.get("route") or entry["name"], entry, {})


def _difference(kind: DocumentKind, title: str, *entries: Mapping[str, Any]) -> Iterator[str]:
    old, new = (as_yaml(entry).splitlines() if entry else [] for entry in entries)
    old_file, new_file = (f"{kind.noun} {_on_one_line(title)}" if entry else "/dev/null" for entry in entries)
    return difflib.unified_diff(old, new, old_file, new_file, lineterm="")


def _before(target: Target, after: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a stored object. Without a lock in the file, it may keep its own, so that is not shown."""
    has_lock = target.was.get("lock") is not None and after.get("lock") is not None
    return {**target.was, "lock": _names_in(target.was["lock"]) if has_lock else None}


def _names_in(lock: str) -> str:
    """A lock without its hashes."""
    return "\n".join(line.removesuffix(" \\") for line in lock.splitlines() if not line.strip().startswith("--hash="))


def _after(entry: Entry) -> dict[str, Any]:
    """The values of an entry without those that exist only in the file, and without confidential ones."""
    values = {**entry.values, "id": None, "key": None}
    # A version can be as large as a script, and never changes.
    values.pop("versions", None)
    if (lock := values.get("lock")) is not None:
        values["lock"] = _names_in(lock.text)
    if entry.kind is DEFINITIONS:
        values["allowedTokens"] = sorted(set(values["allowedTokens"]))
    if entry.kind is TOKENS and values["secretDigest"]:
        values["secretDigest"] = _UNSHOWN
    if entry.kind is CREDENTIALS:
        values["allowedScripts"] = sorted(set(values["allowedScripts"]))
    return values


def _warning(entry: Entry, consequence: Consequence, routes: list[str], may_read: bool) -> str:
    is_of_source = consequence.reason == "EntryPointMissing"
    where: str | FilePosition = entry.source_file if is_of_source else entry.at("parameters")
    more = f" and {len(routes) - _SHOWN_ROUTES} more" if len(routes) > _SHOWN_ROUTES else ""
    concerned = f"{', '.join(routes[:_SHOWN_ROUTES])}{more}" if may_read else f"{len(routes)} definition(s)"
    return f"Warning: {_on_one_line(entry.title)} ({where}): {consequence.detail.rstrip('.')}: {concerned}."


def _on_one_line(text: str) -> str:
    """A name in a title, without control characters."""
    return text if text.isprintable() else repr(text)

"""Importing files, all or nothing, through the same functions as every other change."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from as_code.entries import Description, Entry, Faults, FilePosition, read_files, shown
from as_code.kinds import DEFINITIONS, KINDS, SCRIPTS, TOKENS, DocumentKind
from as_code.permissions import Actor, Objects, check_changes, check_reading, prunable
from as_code.plan import Plan, Stored, Target
from as_code.report import Report, entry_point_warnings
from automation.models import AutomationScript
from automation.source import contents_of
from definitions.changes import add_definitions, save_definition
from definitions.models import ApiDefinition
from objects.changes import add_checked, delete_checked, save_checked
from tokens import peppers

TOGETHER = 200
"""How many new objects are added together."""

_UNSAVED: tuple[type[Exception], ...] = (ValidationError, ObjectDoesNotExist)
_HINTED = ("RouteInUse", "NameInUse")

KeepSecrets = Callable[[Mapping[str, str]], None]
"""Takes the new secrets, by the key of their token, right before the commit; what it raises stops the import."""


def import_files(
    paths: Iterable[Path],
    actor: Actor,
    *,
    dry_run: bool = False,
    prune: bool = False,
    keep_secrets: KeepSecrets | None = None,
) -> Report:
    """Make the stored objects what the files say; `prune` also deletes those that no file names.

    Kinds without a section in the files are left alone. With `dry_run` everything is tried and rolled back.

    Raises:
        RefusedImportError: anything is wrong; nothing was changed.
    """
    faults = Faults()
    described = read_files(paths, faults)
    check_reading(described, actor, faults)
    if not any(described.entries.values()):
        faults.stop()
    with transaction.atomic():
        report = _Import(described, actor, faults).run(prune)
        if dry_run:
            transaction.set_rollback(True)
        elif keep_secrets is not None:
            # Before the commit: a secret that cannot be kept must not come into use.
            keep_secrets(report.secrets)
    return report


@dataclass
class _Import:
    described: Description
    actor: Actor
    faults: Faults
    failed: set[UUID] = field(default_factory=set)
    """Objects that are not saved; definitions that need them are only checked."""

    def run(self, prune: bool) -> Report:
        """Everything up to the commit.

        Raises:
            RefusedImportError: anything is wrong; the caller's transaction has to be rolled back.
        """
        plan = Plan(self.described, Stored(), self.faults)
        # Sources are compiled together; later look-ups find the result.
        _compile(plan.changes(SCRIPTS))
        check_changes(plan, self.actor, self.faults)
        doomed, kept = prunable(plan, self.actor) if prune else ({}, {})
        report = Report(plan, doomed, kept)
        # Definitions go first: what they use cannot be deleted before. Scripts and tokens go when nothing needs them.
        self._delete(doomed, DEFINITIONS)
        _step_aside(plan, doomed)
        for kind in KINDS:
            self._save(kind, [target for target in plan.changes(kind) if self._fill(target, report)])
        self._delete(doomed, TOKENS)
        self._delete(doomed, SCRIPTS)
        self.faults.stop()
        report.warnings += entry_point_warnings(plan, self.actor)
        return report

    def _fill(self, target: Target, report: Report) -> bool:
        """Take over what the entry says. Whether the object can be saved; otherwise its rules are checked here."""
        instance, entry = target.instance, target.entry
        for name, one in target.kind.plain.items():
            if name in entry.values:
                one.put(instance, entry.values[name])
        if target.kind is TOKENS:
            self._take_secret(target, report)
        if target.kind is DEFINITIONS:
            instance.script = target.script
        if self._can_be_saved(target):
            return True
        self.failed.add(instance.pk)
        if target.kind is DEFINITIONS:
            # With a script that fits, only the other rules are broken.
            instance.script = AutomationScript(has_api_trigger=True, has_run=True)
        try:
            instance.full_clean(validate_unique=entry.is_identified, validate_constraints=False)
        except ValidationError as error:
            self._refuse(target, error)
        return False

    def _can_be_saved(self, target: Target) -> bool:
        if target.entry.broken:
            return False
        needed = [target.instance.script_id, *target.allowed_tokens] if target.kind is DEFINITIONS else []
        return None not in needed and self.failed.isdisjoint(needed)

    def _take_secret(self, target: Target, report: Report) -> None:
        """The digest of the file; a new token without one gets a secret."""
        token, entry = target.instance, target.entry
        digest = entry.values.get("secretDigest")
        if digest is None:
            if target.is_new:
                report.secrets[entry.reference] = token.set_secret(None)
            return
        try:
            if peppers.check(digest["pepperId"]) != digest["pepperCheck"]:
                raise ValidationError("the digest was made with a pepper that is not active here")
            token.set_digest(digest["value"], digest["pepperId"])
        except ValidationError as error:
            self._refuse(target, ValidationError({"secret_digest": error}))
            entry.broken.add("secretDigest")

    def _save(self, kind: DocumentKind, targets: Sequence[Target]) -> None:
        """New objects together, which takes a few statements; if one of them is refused, each by itself."""
        new = [target for target in targets if target.is_new]
        for first in range(0, len(new), TOGETHER):
            batch = new[first : first + TOGETHER]
            try:
                self._add(kind, batch)
            except (ValidationError, IntegrityError):
                # It does not say which object is refused.
                self._save_each(batch)
        self._save_each(target for target in targets if not target.is_new)

    def _add(self, kind: DocumentKind, targets: Sequence[Target]) -> None:
        instances, by = [target.instance for target in targets], self.actor.name
        if kind is DEFINITIONS:
            add_definitions(instances, by, {target.instance.pk: target.allowed_tokens for target in targets})
            return
        # Again: of very many scripts, the first are forgotten by now.
        _compile(targets)
        add_checked(instances, by)

    def _save_each(self, targets: Iterable[Target]) -> None:
        by = self.actor.name
        for target in targets:
            try:
                if target.kind is DEFINITIONS:
                    save_definition(target.instance, by, target.allowed_tokens)
                else:
                    save_checked(target.instance, by)
            except _UNSAVED as error:
                self._refuse(target, error)

    def _refuse(self, target: Target, error: Exception) -> None:
        self.failed.add(target.instance.pk)
        for position, message in _faults_of(error, target.entry):
            self.faults.add(position, message)

    def _delete(self, doomed: Objects, kind: DocumentKind) -> None:
        for instance in doomed.get(kind, []):
            try:
                delete_checked(instance, self.actor.name)
            except _UNSAVED as error:
                position = self.described.sections[kind]
                why = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
                self.faults.add(position, f"the {kind.noun} {instance} cannot be pruned: {why}")


def _compile(targets: Iterable[Target]) -> None:
    contents_of([target.entry.values["source"] for target in targets if "source" in target.entry.values])


def _step_aside(plan: Plan, doomed: Objects) -> None:
    """Free the routes and names that are about to be given up, so that objects can exchange theirs.

    Nobody sees this: each of these rows is saved or deleted, with its event, before the commit.
    """
    moving = [target.instance.pk for target in plan.changes(DEFINITIONS) if target.changes("route")]
    ApiDefinition._base_manager.filter(pk__in=moving).update(signature=Concat(Value(" "), Cast("pk", CharField())))
    renamed = [target.instance.pk for target in plan.changes(SCRIPTS) if target.changes("name")]
    leaving = [script.pk for script in doomed.get(SCRIPTS, [])]
    away = Concat(Value("-"), Cast("pk", CharField()))
    AutomationScript._base_manager.filter(pk__in=[*renamed, *leaving]).update(name=away)


def _faults_of(error: Exception, entry: Entry) -> Iterator[tuple[FilePosition, str]]:
    """Each rule that refuses the entry, at the property that it is about; none about a property with a fault."""
    title = f"{entry.kind.noun} {shown(entry.title)}" if entry.title else f"the {entry.kind.noun}"
    if not isinstance(error, ValidationError):
        yield entry.position, f"{title} has been deleted meanwhile: start the import again"
        return
    for model_field, singles in error.update_error_dict({}).items():
        for single in singles:
            details = single.params or {}
            name = str(details.get("field") or entry.kind.property_of(model_field))
            if name not in entry.broken:
                where = entry.at(name)
                if name == "source" and entry.source_file:
                    where = FilePosition(entry.source_file, int(details.get("line") or 1))
                yield where, f"{title}: {_sentence(single)}"


def _sentence(error: ValidationError) -> str:
    if error.code == "InvalidScript" and error.params:
        # Its sentence begins with the line, which is told already.
        return f"{error.params['message']}"
    sentence = " ".join(error.messages)
    hint = "; copy its id into the file, or leave the id out"
    return f"{sentence.rstrip('.')}{hint}" if error.code in _HINTED else sentence

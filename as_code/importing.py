"""Importing files: all of them or nothing, through the same doors as every other change."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from as_code import losing
from as_code import plan as planning
from as_code import stored as storage
from as_code.actors import Actor
from as_code.documents import Files, read_files
from as_code.faults import Faults
from as_code.kinds import DEFINITIONS, KINDS, SCRIPTS, TOKENS, DocumentKind
from as_code.plan import Plan, Target
from as_code.report import Report
from as_code.rights import check_changes, check_reading, prunable
from as_code.rules import faults_of
from automation.models import AutomationScript
from automation.source import contents_of
from definitions.changes import add_definitions, save_definition
from definitions.models import ApiDefinition
from objects.authorship import AuthoredModel
from objects.changes import add_checked, delete_checked, save_checked
from tokens import peppers
from tokens.models import ApiToken

KeepSecrets = Callable[[Mapping[str, str]], None]
"""Takes the new secrets, by the key of their token, right before the commit; what it raises stops the import."""

TOGETHER = 200
"""So many new objects are added in one go."""

_UNSAVED: tuple[type[Exception], ...] = (ValidationError, ObjectDoesNotExist)


def import_files(
    paths: Iterable[Path],
    actor: Actor,
    *,
    dry_run: bool = False,
    prune: bool = False,
    keep_secrets: KeepSecrets | None = None,
) -> Report:
    """Make what is stored what the files say; `prune` also deletes what no file names.

    Kinds of which the files have no section are left alone. With `dry_run` everything is tried and taken back.

    Raises:
        RefusedImportError: anything is wrong; nothing was changed.
    """
    files = read_files(paths)
    with transaction.atomic():
        work = _Import(files, actor)
        report = work.run(prune)
        if dry_run:
            transaction.set_rollback(True)
        elif keep_secrets is not None:
            keep_secrets(report.secrets)
    return report


@dataclass
class _Import:
    files: Files
    actor: Actor
    faults: Faults = field(default_factory=Faults)
    failed: set[UUID] = field(default_factory=set)
    """Objects that could not be saved; what needs them is not tried."""

    def run(self, prune: bool) -> Report:
        """Everything up to the commit.

        Raises:
            RefusedImportError: anything is wrong; the caller's transaction has to be rolled back.
        """
        check_reading(self.files, self.actor, self.faults)
        stored = storage.read()
        plan = planning.make(self.files, stored, self.faults)
        self.faults.stop()
        check_changes(plan, stored, self.actor, self.faults)
        self.faults.stop()
        doomed, kept = prunable(plan, self.files, self.actor) if prune else ({}, {})
        report = Report(plan, stored, doomed, kept)
        self._delete(doomed, DEFINITIONS)
        _step_aside(plan, doomed)
        for kind in KINDS:
            self._save(kind, [target for target in plan.changes(kind) if self._fill(target, report)])
        self._delete(doomed, TOKENS)
        self._delete(doomed, SCRIPTS)
        self.faults.stop()
        report.warnings += losing.warnings(plan, self.actor)
        return report

    def _fill(self, target: Target, report: Report) -> bool:
        """Take over what the entry says; whether the object can be saved."""
        instance = target.instance
        for one in target.kind.plain:
            one.put(instance, target.entry.values[one.name])
        if target.kind is DEFINITIONS:
            instance.script = target.script
            return self.failed.isdisjoint([instance.script_id, *target.allowed_tokens])
        try:
            secret = _take_secret(instance, target) if target.kind is TOKENS else None
        except ValidationError as error:
            self._refuse(target, error)
            return False
        if secret is not None:
            report.secrets[target.entry.reference] = secret
        return True

    def _save(self, kind: DocumentKind, targets: Sequence[Target]) -> None:
        """New objects together, which takes a few statements; where one of them is refused, each by itself."""
        new = [target for target in targets if target.is_new]
        for first in range(0, len(new), TOGETHER):
            batch = new[first : first + TOGETHER]
            try:
                self._add(kind, batch)
            except (ValidationError, IntegrityError):
                self._save_each(batch)
        self._save_each(target for target in targets if not target.is_new)

    def _add(self, kind: DocumentKind, targets: Sequence[Target]) -> None:
        instances, by = [target.instance for target in targets], self.actor.name
        if kind is SCRIPTS:
            # Compiled together; then each finds it done.
            contents_of([target.instance.source for target in targets])
        if kind is DEFINITIONS:
            add_definitions(instances, by, {target.instance.pk: target.allowed_tokens for target in targets})
        else:
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
        for place, message in faults_of(error, target.entry):
            self.faults.add(place, message)

    def _delete(self, doomed: Mapping[str, list[AuthoredModel]], kind: DocumentKind) -> None:
        for instance in doomed.get(kind.section, []):
            try:
                delete_checked(instance, self.actor.name)
            except _UNSAVED as error:
                place = self.files.sections[kind.section]
                why = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
                self.faults.add(place, f"the {kind.noun} {instance} cannot be pruned: {why}")


def _take_secret(token: ApiToken, target: Target) -> str | None:
    """The digest of the file; a new token without one gets a secret, which is returned."""
    digest = target.entry.values["secretDigest"]
    if digest is None:
        return token.set_secret(None) if target.is_new else None
    if peppers.check(digest["pepperId"]) != digest["pepperCheck"]:
        raise ValidationError({"secret_digest": "the digest was made with a pepper that is not active here"})
    token.set_digest(digest["value"], digest["pepperId"])
    return None


def _step_aside(plan: Plan, doomed: Mapping[str, list[AuthoredModel]]) -> None:
    """Routes and names that are about to be given up are free at once, so that objects can change places.

    Nobody sees this: each of these rows is saved or deleted, with its event, before the commit.
    """
    moving = [target.instance.pk for target in plan.changes(DEFINITIONS) if _differs(target, "route")]
    ApiDefinition._base_manager.filter(pk__in=moving).update(signature=Concat(Value(" "), Cast("pk", CharField())))
    renamed = [target.instance.pk for target in plan.changes(SCRIPTS) if _differs(target, "name")]
    leaving = [script.pk for script in doomed.get(SCRIPTS.section, [])]
    away = Concat(Value("-"), Cast("pk", CharField()))
    AutomationScript._base_manager.filter(pk__in=[*renamed, *leaving]).update(name=away)


def _differs(target: Target, name: str) -> bool:
    return not target.is_new and target.was[name] != target.entry.values[name]

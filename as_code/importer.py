"""Importing files, all or nothing, through the same functions as every other change."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db import IntegrityError, transaction

from as_code import awaited_builds
from as_code.entries import Description, Faults, FilePosition, read_files, shown
from as_code.exchanged_names import step_aside
from as_code.kinds import CREDENTIALS, DEFINITIONS, SCRIPTS, TOKENS, DocumentKind
from as_code.libraries import in_layers
from as_code.permissions import Actor, Objects, check_changes, check_reading, prunable
from as_code.plan import Plan, Target
from as_code.refusals import called, faults_of
from as_code.report import Report
from as_code.stored import Stored
from as_code.versions import Used, fault_of_lock
from automation.credential_changes import save_credential
from automation.history import add_versions
from automation.libraries import hold_libraries, users_of
from automation.models import AutomationScript
from automation.source import contents_of
from automation.versions import ScriptKind
from definitions.changes import add_definitions, save_definition
from objects.changes import add_checked, delete_checked, save_checked
from tokens import peppers

TOGETHER = 200
"""How many new objects are added together."""

_UNSAVED: tuple[type[Exception], ...] = (ValidationError, ObjectDoesNotExist)


class SecretValues(NamedTuple):
    """The values of credentials, by name, and the file that they are from."""

    file: str
    by_name: Mapping[str, str]

    def __repr__(self) -> str:
        return f"SecretValues({self.file})"


KeepSecrets = Callable[[Mapping[str, str]], None]
"""Takes the new secrets, by the key of their token, right before the commit; what it raises stops the import."""


def import_files(
    paths: Iterable[Path],
    actor: Actor,
    *,
    dry_run: bool = False,
    prune: bool = False,
    values: SecretValues | None = None,
    keep_secrets: KeepSecrets | None = None,
) -> Report:
    """Make the stored objects what the files say; `prune` also deletes those that no file names.

    Kinds without a section in the files are left alone. Credentials get the `values` of their names. With `dry_run`
    everything is tried and rolled back.

    Raises:
        RefusedImportError: anything is wrong; nothing was changed.
    """
    faults = Faults()
    described = read_files(paths, faults)
    check_reading(described, actor, faults)
    if values is not None:
        _hand_out(values, described, faults)
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
        stored = Stored()
        hold_libraries()
        plan = Plan(self.described, stored, self.faults)
        check_changes(plan, self.actor, self.faults)
        doomed, kept = prunable(plan, self.actor) if prune else ({}, {})
        report = Report(plan, doomed, kept, self.actor.may(DEFINITIONS, "view"))
        # Definitions go first: what they use cannot be deleted before. Scripts and tokens go when nothing needs them.
        self._delete(doomed, DEFINITIONS)
        self._delete(doomed, CREDENTIALS)
        self._refuse_renaming(plan)
        step_aside(plan, doomed)
        self._save_scripts(plan, report)
        if self.actor.may(SCRIPTS, "change") and self.actor.may(SCRIPTS, "publish"):
            awaited_builds.build_again(plan, self.actor.name)
        for kind in (TOKENS, CREDENTIALS, DEFINITIONS):
            self._save(kind, [target for target in plan.changes(kind) if self._fill(target, plan, report)])
        self._delete(doomed, TOKENS)
        self._delete(doomed, SCRIPTS)
        self.faults.stop()
        report.finish()
        report.awaited = awaited_builds.found(plan)
        return report

    def _refuse_renaming(self, plan: Plan) -> None:
        """Report libraries that cannot be renamed because scripts use them, before any name is given up."""
        for target in plan.changes(SCRIPTS):
            is_renamed_library = target.changes("name") and target.was["kind"] == ScriptKind.LIBRARY
            users = users_of(target.instance.pk) if is_renamed_library and not target.entry.broken else []
            if users:
                rule = f"scripts import this library as {target.was['name']}, so it keeps its name"
                message = f"{called(target.entry)}: {rule}: {', '.join(users)}"
                self.faults.add(target.entry.at("name"), message)
                target.entry.broken.add("name")

    def _save_scripts(self, plan: Plan, report: Report) -> None:
        """Versions first, which definitions and scripts refer to; then libraries before the scripts that use them."""
        new = [one for versions in plan.versions.new.values() for one in versions]
        for one in new:
            one.version.created_by = self.actor.name
        add_versions(new)
        targets = {target.instance.pk: target for target in plan.changes(SCRIPTS)}
        for layer in in_layers(list(targets), plan.libraries):
            ready = [targets[pk] for pk in layer if self._fill(targets[pk], plan, report)]
            libraries = plan.libraries.libraries_of([target.instance.pk for target in ready])
            for target in ready:
                script = target.instance
                script.with_libraries = libraries[script.pk]
                script.wanted_version = plan.libraries.number_of(target.entry, script)
                self._take_lock(target, libraries[script.pk])
                report.note(target, script.with_libraries)
            self._save(SCRIPTS, [target for target in ready if target.instance.pk not in self.failed])

    def _take_lock(self, target: Target, libraries: Used) -> None:
        """The lock of the file, if it has what the script and its libraries ask for."""
        script, lock = target.instance, target.entry.values["lock"]
        if fault := fault_of_lock(script, libraries, lock):
            self.failed.add(script.pk)
            self.faults.add(target.entry.at("lock"), f"{called(target.entry)}: {fault}")
        else:
            script.with_lock = lock

    def _fill(self, target: Target, plan: Plan, report: Report) -> bool:
        """Take over what the entry says. Whether the object can be saved; otherwise its rules are checked here."""
        instance, entry = target.instance, target.entry
        for name, one in target.kind.plain.items():
            if name in entry.values:
                one.put(instance, entry.values[name])
        if target.kind is TOKENS:
            self._take_secret(target, report)
        if target.kind is CREDENTIALS:
            self._take_value(target)
        if target.kind is DEFINITIONS:
            instance.script = target.script
            instance.may_wait_for_build = True
        if self._can_be_saved(target, plan):
            return True
        self.failed.add(instance.pk)
        if target.kind is DEFINITIONS:
            # With a script that fits, only the other rules are broken.
            instance.script, instance.script_version = AutomationScript(has_api_trigger=True, has_run=True), None
        if target.kind is SCRIPTS:
            instance.with_libraries = {}
        try:
            instance.full_clean(validate_unique=entry.is_identified, validate_constraints=False)
        except ValidationError as error:
            self._refuse(target, error)
        return False

    def _can_be_saved(self, target: Target, plan: Plan) -> bool:
        if target.entry.broken:
            return False
        if target.kind is SCRIPTS:
            pk = target.instance.pk
            return pk not in plan.libraries.unresolved and plan.libraries.needs(pk).isdisjoint(self.failed)
        if target.kind is DEFINITIONS:
            needed = [target.instance.script_id, *target.allowed_tokens]
        else:
            needed = [*target.allowed_scripts]
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

    def _take_value(self, target: Target) -> None:
        """The value of `--secrets-from`, if the credential does not have it; a new one needs it."""
        entry = target.entry
        if entry.secret is None and target.is_new:
            message = f"{called(entry)} is new, so it needs a value: put it into the file that --secrets-from names"
            self.faults.add(entry.position, message)
            entry.broken |= {"ciphertext", "value"}
        elif entry.secret is not None and target.gets_value:
            target.instance.set_value(entry.secret)

    def _save(self, kind: DocumentKind, targets: Sequence[Target]) -> None:
        """New objects together, which takes a few statements; if one of them is refused, each by itself."""
        if kind is CREDENTIALS:
            self._save_each(targets)
            return
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
                elif target.kind is CREDENTIALS:
                    save_credential(target.instance, by, target.allowed_scripts)
                else:
                    save_checked(target.instance, by)
            except _UNSAVED as error:
                self._refuse(target, error)

    def _refuse(self, target: Target, error: Exception) -> None:
        self.failed.add(target.instance.pk)
        for position, message in faults_of(error, target.entry):
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


def _hand_out(values: SecretValues, described: Description, faults: Faults) -> None:
    """Give each credential of the files its value. A name that no entry has is a fault, which could be a mistake."""
    entries = {entry.title: entry for entry in described.entries[CREDENTIALS] if "name" not in entry.broken}
    for name, value in values.by_name.items():
        if name in entries:
            entries[name].secret = value
        elif CREDENTIALS not in described.incomplete:
            faults.add(FilePosition(values.file, 1), f"no credential in the files has the name {shown(name)}")

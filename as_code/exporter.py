"""Exporting everything as files that an import reads back."""

import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, Self
from uuid import UUID

from django.db import transaction

from as_code import files, yaml_format
from as_code.kinds import DEFINITIONS, KINDS, SCRIPTS, TOKENS, VERSIONS, DocumentKind
from as_code.permissions import Actor
from as_code.stored import RecordedLibrary, Stored, locks_of, uses_of
from automation.versions import ScriptVersion
from foundation.logs import AUDIT_LOGGER
from tokens import peppers
from tokens.models import ApiToken

MAIN_FILE = "apis.yaml"
SCHEMA_FILE = "apis.schema.json"
SCRIPTS_DIRECTORY = "scripts"

_SCHEMA = Path(__file__).parent / "schema.json"
_HEADER = f"# yaml-language-server: $schema={SCHEMA_FILE}\n"

_log = logging.getLogger(AUDIT_LOGGER)


class _KeptVersions(NamedTuple):
    """Versions that files describe. By their keys: their libraries by the name that they import, and their locks."""

    versions: Sequence[ScriptVersion]
    uses: Mapping[int, Mapping[str, RecordedLibrary]]
    locks: Mapping[int, str]

    @classmethod
    def of(cls, versions: Sequence[ScriptVersion]) -> Self:
        keys = [version.pk for version in versions]
        return cls(versions, uses_of(keys), locks_of(keys))


class ExportError(Exception):
    """Why nothing was exported; the text is a sentence."""


def export_files(actor: Actor, *, with_digests: bool = False) -> dict[str, str]:
    """The files of an export, by path; the same for the same objects.

    Raises:
        ExportError: the actor may not read everything, or something stored is broken.
    """
    refusals = [actor.refusal(kind, "view", f"read {kind.section}") for kind in KINDS]
    if with_digests:
        refusals.append(actor.refusal(TOKENS, "change", "export digests"))
    if refusal := next(filter(None, refusals), None):
        raise ExportError(refusal)
    # The locks last as long as reading, so that everything is of one moment.
    with transaction.atomic():
        stored = Stored()
        kept = _KeptVersions.of(_kept_versions(stored))
    found = _files(stored, kept, KINDS, with_digests)
    counts = ", ".join(f"{kind.section}: {len(stored.objects[kind])}" for kind in KINDS)
    _log.info("'%s' exported %s%s", actor.name, counts, " with the digests of their secrets" if with_digests else "")
    return found


def files_of(stored: Stored, kinds: Sequence[DocumentKind]) -> dict[str, str]:
    """The files of what `stored` holds, with a section for each of `kinds`.

    The scripts of the versions that the files describe are among those of `stored` afterwards.

    Raises:
        ExportError: something stored is broken.
    """
    versions = _kept_versions(stored)
    while missing := {one.script_id for one in versions} - {script.pk for script in stored.objects[SCRIPTS]}:
        stored.add_scripts(missing)
        versions = _kept_versions(stored)
    return _files(stored, _KeptVersions.of(versions), kinds)


def write_files(directory: Path, exported: Mapping[str, str], *, private: bool = False) -> None:
    """Write files below `directory`, and remove the scripts of an earlier export that are gone.

    `private` files are readable by this user alone. Files that no export has written stay as they are.

    Raises:
        ExportError: the directory cannot be written to, or holds something other than an export.
    """
    old = _earlier_scripts(directory)
    try:
        (directory / SCRIPTS_DIRECTORY).mkdir(parents=True, exist_ok=True)
        if (directory / SCRIPTS_DIRECTORY).is_symlink():
            raise ExportError(f"{directory / SCRIPTS_DIRECTORY} is a symbolic link.")
        for name, text in exported.items():
            files.write_file(directory / name, text, private=private)
        # Last, so that an export that fails has removed nothing.
        for name in old - exported.keys():
            (directory / name).unlink(missing_ok=True)
    except OSError as error:
        raise ExportError(f"{error.filename or directory} cannot be written: {error.strerror}.") from error


def _earlier_scripts(directory: Path) -> set[str]:
    """The script files of the export that is in `directory`."""
    main = directory / MAIN_FILE
    if not os.path.lexists(main):
        return set()
    # What is not an export ends in one of these errors.
    with suppress(files.UnreadableError, yaml_format.NodeError, AttributeError, KeyError, TypeError):
        text = files.read_file(main)
        if text.startswith(_HEADER):
            root: Any = yaml_format.read_yaml(text)[0]
            scripts = root.value[SCRIPTS.section].value
            versions = [one for script in scripts if (kept := script.value.get("versions")) for one in kept.value]
            named = {Path(one.value["source"].value) for one in [*scripts, *versions]}
            named |= {Path(lock.value) for one in [*scripts, *versions] if (lock := one.value.get("lock"))}
            return {str(one) for one in named if _is_of_export(one)}
    raise ExportError(f"{main} exists and is not an export: choose another directory, or move the file away.")


def _is_of_export(path: Path) -> bool:
    return path.parts[:-1] == (SCRIPTS_DIRECTORY,) and path.suffix in (files.SOURCE_SUFFIX, files.LOCK_SUFFIX)


def _files(
    stored: Stored, kept: _KeptVersions, kinds: Sequence[DocumentKind], with_digests: bool = False
) -> dict[str, str]:
    scripts = stored.objects[SCRIPTS]
    names = files.file_names(script.name for script in scripts)
    sources = {script.pk: f"{SCRIPTS_DIRECTORY}/{names[script.name]}" for script in scripts}
    versions = _version_entries(stored, kept, sources)

    def values(kind: DocumentKind, instance: Any) -> dict[str, Any]:
        content = stored.content(kind, instance) | {"id": str(instance.pk)}
        if kind is SCRIPTS:
            content |= {"source": sources[instance.pk], "versions": versions.get(instance.pk, [])}
            content["lock"] = files.of_lock(sources[instance.pk]) if instance.pk in stored.locks else None
        elif kind is TOKENS:
            key = stored.token_keys[instance.pk]
            content["key"] = key if key != instance.name else None
            content["secretDigest"] = _digest(instance) if with_digests else None
        elif kind is DEFINITIONS and "script" not in content:
            raise ExportError(f"The definition {instance.route!r} ({instance.pk}) has no script: correct or delete it.")
        return content

    document = {kind.section: [kind.written(values(kind, one)) for one in stored.objects[kind]] for kind in kinds}
    texts = {sources[script.pk]: script.source for script in scripts}
    texts |= {
        files.of_lock(sources[script_id]): text for script_id, text in stored.locks.items() if script_id in sources
    }
    for one in kept.versions:
        path = files.of_version(sources[one.script_id], one.number)
        texts |= {path: one.source} | ({files.of_lock(path): kept.locks[one.pk]} if one.pk in kept.locks else {})
    return texts | {SCHEMA_FILE: _SCHEMA.read_text(), MAIN_FILE: _HEADER + yaml_format.as_yaml(document)}


def _version_entries(
    stored: Stored, kept: _KeptVersions, sources: Mapping[UUID, str]
) -> dict[UUID, list[dict[str, Any]]]:
    """The entries of versions, by script."""
    found: dict[UUID, list[dict[str, Any]]] = {}
    for version in kept.versions:
        source = files.of_version(sources[version.script_id], version.number)
        libraries = stored.library_versions(kept.uses.get(version.pk, {}).values())
        lock = files.of_lock(source) if version.pk in kept.locks else None
        special = {"number": version.number, "source": source, "libraries": libraries, "lock": lock}
        found.setdefault(version.script_id, []).append(VERSIONS.written(VERSIONS.content(version) | special))
    return found


def _kept_versions(stored: Stored) -> list[ScriptVersion]:
    """The versions that files have to describe: pinned ones, outdated ones of libraries, and what all these use."""
    pinned = {(one.script_id, one.script_version) for one in stored.objects[DEFINITIONS] if one.script_version}
    rows = ScriptVersion.objects.filter(script__in={script_id for script_id, _ in pinned})
    numbers = {(script_id, number): pk for pk, script_id, number in rows.values_list("pk", "script", "number")}
    if missing := pinned - numbers.keys():
        script_id, number = min(missing, key=str)
        raise ExportError(f"A definition is pinned to version {number} of script {script_id}, which does not exist.")
    found = {numbers[each] for each in pinned}
    found |= {use.version_id for script in stored.objects[SCRIPTS] for use in stored.outdated(script.pk)}
    new = found
    while new:
        used: set[int] = {use.version_id for uses in uses_of(new).values() for use in uses.values()}
        new = used - found
        found |= new
    return list(ScriptVersion.objects.filter(pk__in=found).order_by("script", "number"))


def _digest(token: ApiToken) -> dict[str, Any]:
    check = peppers.check(token.pepper_id)
    if check is None:
        raise ExportError(f"The digest of token {token.name!r} ({token.pk}) needs a pepper that is not active.")
    return {"pepperId": token.pepper_id, "pepperCheck": check, "value": token.secret_digest}

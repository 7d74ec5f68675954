"""Writing everything down as files that an import reads back."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction

from as_code import nodes, reading, writing
from as_code import stored as storage
from as_code.actors import Actor
from as_code.filenames import file_names
from as_code.kinds import DEFINITIONS, KINDS, SCRIPTS, TOKENS
from as_code.stored import Stored, token_keys
from foundation.logs import AUDIT_LOGGER
from tokens import peppers
from tokens.models import ApiToken

MAIN_FILE = "apis.yaml"
SCHEMA_FILE = "apis.schema.json"
SCRIPTS_DIRECTORY = "scripts"

_SCHEMA = Path(__file__).parent / "schema.json"
_HEADER = f"# yaml-language-server: $schema={SCHEMA_FILE}\n"
_EVERYBODYS, _OWN = 0o666, 0o600


_log = logging.getLogger(AUDIT_LOGGER)


class ExportError(Exception):
    """Why nothing was exported."""


def export_files(actor: Actor, *, with_digests: bool = False) -> dict[str, str]:
    """The files of an export, by path; the same for the same objects.

    Raises:
        ExportError: the actor may not read everything, or something stored is broken.
    """
    for kind in actor.refused(KINDS, "view"):
        raise ExportError(actor.refusal(kind, "view", f"read {kind.section}"))
    if with_digests and not actor.may(TOKENS, "change"):
        raise ExportError(actor.refusal(TOKENS, "change", "export digests"))
    with transaction.atomic():
        stored = storage.read()
    files = _files(stored, with_digests)
    counts = ", ".join(f"{kind.section}: {len(stored.of(kind))}" for kind in KINDS)
    _log.info("'%s' exported %s%s", actor.name, counts, " with the digests of their secrets" if with_digests else "")
    return files


def write_files(directory: Path, files: Mapping[str, str], *, private: bool = False) -> None:
    """Write `files` below `directory`, and remove scripts of an earlier export that are gone.

    `private`: for the eyes of this user only. Files that no export has written are not touched.

    Raises:
        ExportError: the directory cannot be written to, or holds something else than an export.
    """
    old = _earlier_scripts(directory)
    try:
        (directory / SCRIPTS_DIRECTORY).mkdir(parents=True, exist_ok=True)
        if (directory / SCRIPTS_DIRECTORY).is_symlink():
            raise ExportError(f"{directory / SCRIPTS_DIRECTORY} is a symbolic link.")
        for name, text in files.items():
            _write(directory / name, text, _OWN if private else _EVERYBODYS)
        for name in old - files.keys():
            (directory / name).unlink(missing_ok=True)
    except OSError as error:
        raise ExportError(f"{error.filename or directory} cannot be written: {error.strerror}.") from error


def _write(path: Path, text: str, mode: int) -> None:
    """As a whole or not at all, and in the place of a link rather than through it."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(text.encode())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _earlier_scripts(directory: Path) -> set[str]:
    """The script files that the export which is there has written."""
    main = directory / MAIN_FILE
    if not os.path.lexists(main):
        return set()
    with suppress(reading.UnreadableError, nodes.NodeError, KeyError):
        text = reading.read_file(main)
        if text.startswith(_HEADER):
            return set(_sources(text))
    raise ExportError(f"{main} is there and is no export: choose another directory, or move it away.")


def _sources(text: str) -> Iterator[str]:
    root = nodes.compose(text, _refuse)
    sections = nodes.members(root, _refuse) if root is not None else {}
    for script in nodes.items(sections[SCRIPTS.section][1]):
        source = nodes.text(nodes.members(script, _refuse)["source"][1])
        if Path(source).parent == Path(SCRIPTS_DIRECTORY) and Path(source).suffix == reading.SOURCE_SUFFIX:
            yield source


def _refuse(line: int, message: str) -> None:
    raise KeyError(line, message)


def _files(stored: Stored, with_digests: bool) -> dict[str, str]:
    names = file_names(script.name for script in stored.scripts)
    sources = {script.name: f"{SCRIPTS_DIRECTORY}/{names[script.name]}" for script in stored.scripts}
    script_names = {script.pk: script.name for script in stored.scripts}
    keys = token_keys(stored.tokens)
    document = {
        SCRIPTS.section: [_script(script, sources[script.name]) for script in stored.scripts],
        TOKENS.section: [_token(token, keys[token.pk], with_digests) for token in stored.tokens],
        DEFINITIONS.section: [_definition(one, stored, script_names, keys) for one in stored.definitions],
    }
    files = {sources[script.name]: script.source for script in stored.scripts}
    return files | {SCHEMA_FILE: _SCHEMA.read_text(), MAIN_FILE: _HEADER + writing.as_yaml(document)}


def _script(script: Any, source: str) -> writing.Written:
    return writing.entry(SCRIPTS, SCRIPTS.content(script) | {"id": str(script.pk), "source": source})


def _token(token: ApiToken, key: str, with_digests: bool) -> writing.Written:
    values = TOKENS.content(token) | {"id": str(token.pk)}
    if key != token.name:
        values["key"] = key
    if with_digests:
        values["secretDigest"] = _digest(token)
    return writing.entry(TOKENS, values)


def _digest(token: ApiToken) -> dict[str, Any]:
    check = peppers.check(token.pepper_id)
    if check is None:
        raise ExportError(f"The token {token.name!r} ({token.pk}) is kept under a pepper that is not active.")
    return {"pepperId": token.pepper_id, "pepperCheck": check, "value": token.secret_digest}


def _definition(
    definition: Any, stored: Stored, scripts: Mapping[UUID, str], keys: Mapping[UUID, str]
) -> writing.Written:
    if definition.script_id not in scripts:
        raise ExportError(f"The definition {definition.route!r} ({definition.pk}) has no script: mend or delete it.")
    allowed = sorted(keys[token] for token in stored.allowed.get(definition.pk, frozenset()))
    own = {"id": str(definition.pk), "script": scripts[definition.script_id], "allowedTokens": allowed}
    return writing.entry(DEFINITIONS, DEFINITIONS.content(definition) | own)

"""Scripts as a worker node needs them: versions, which never change, with the libraries they were saved with."""

import json
import sys
import threading
from collections import OrderedDict
from dataclasses import replace
from uuid import UUID

from django.db import close_old_connections, models

from automation.unversioned import keep_of
from automation.versions import Reuse, ScriptVersion
from hosts.jobs import Library, Script

_KEPT = 256
_KEPT_BYTES = 64 * 1024 * 1024

_Key = tuple[str, int, str, str]


class NoScriptError(Exception):
    """The script is gone, or cannot be run as requested."""


def load(script_id: str, version: int, name: str, content_hash: str) -> Script:
    """The version of a script that a trigger was admitted with; `name` is the script's name at that moment.

    Raises:
        NoScriptError: it is gone.
        django.db.Error: the database cannot be read.
    """
    if version:
        return _cached(script_id, version, name, content_hash)
    # The release before does not say which version, only that it is the current one; and it may just have saved it.
    keep_of(UUID(script_id))
    return _read(_current(script=UUID(script_id)), script_id)


def load_by_name(name: str) -> Script:
    """The current version of the script of this name.

    Raises:
        NoScriptError: there is none.
        django.db.Error: the database cannot be read.
    """
    try:
        found = _current(script__name=name).values_list("script_id", "number", "content_hash").first()
    finally:
        close_old_connections()
    if found is None:
        raise NoScriptError(f"there is no script {name}")
    script_id, version, content_hash = found
    return _cached(str(script_id), version, name, content_hash)


class _LoadedVersions:
    """The versions that were asked for lately: at most `_KEPT`, of `_KEPT_BYTES` together. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scripts: OrderedDict[_Key, Script] = OrderedDict()
        self._bytes = 0

    def get(self, key: _Key) -> Script | None:
        with self._lock:
            if key in self._scripts:
                self._scripts.move_to_end(key)
            return self._scripts.get(key)

    def add(self, key: _Key, script: Script) -> Script:
        """Keep `script`; returns the one that another thread has added meanwhile, if there is one."""
        with self._lock:
            if key not in self._scripts:
                self._scripts[key] = script
                self._bytes += _size(script)
                while len(self._scripts) > _KEPT or self._bytes > _KEPT_BYTES:
                    self._bytes -= _size(self._scripts.popitem(last=False)[1])
            return self._scripts.get(key, script)


_versions = _LoadedVersions()


def _size(script: Script) -> int:
    return sum(map(sys.getsizeof, (script.source, *(library.source for library in script.libraries))))


def _cached(script_id: str, version: int, name: str, content_hash: str) -> Script:
    key = script_id, version, name, content_hash
    if (known := _versions.get(key)) is not None:
        return known
    rows = ScriptVersion.objects.filter(script=UUID(script_id), number=version, content_hash=content_hash)
    return _versions.add(key, replace(_read(rows, f"{script_id} version {version}"), name=name))


def log_label(script_id: str, version: int, name: str) -> str:
    """A script as log lines name it: by id, version and name."""
    return f"script={script_id} version={version or '-'} name={json.dumps(name, ensure_ascii=False)}"


def _current(**which: str | UUID) -> "models.QuerySet[ScriptVersion]":
    return ScriptVersion.objects.filter(**which, number=models.F("script__current_version"))


def _read(rows: "models.QuerySet[ScriptVersion]", what: str) -> Script:
    try:
        found = rows.annotate(script_name=models.F("script__name")).first()
        libraries = _libraries(found) if found is not None else ()
    finally:
        # A run holds no connection, and a broken connection is not used again.
        close_old_connections()
    if found is None:
        raise NoScriptError(f"there is no script {what}")
    return Script(
        str(found.script_id),
        found.script_name,
        found.number,
        found.source,
        tuple(found.parameters),
        found.timeout_seconds,
        found.has_run,
        found.memory_limit_mb,
        found.reuse == Reuse.WARM,
        libraries,
        found.content_hash,
    )


def _libraries(version: ScriptVersion) -> tuple[Library, ...]:
    used = version.libraries()
    if missing := [name for name, library in used.items() if library is None]:
        raise NoScriptError(f"the library {missing[0]} of script {version.script_id} is gone")
    return tuple(Library(name, library.number, library.source) for name, library in used.items() if library)

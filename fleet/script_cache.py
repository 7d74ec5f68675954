"""Scripts as a worker node needs them: versions, which never change, with the libraries they were saved with."""

import json
import sys
import threading
from collections import OrderedDict
from dataclasses import replace
from uuid import UUID

from django.db import close_old_connections, models

from automation.builds import BuildState
from automation.credentials import CredentialGrant
from automation.granted import GrantedCredential, granted
from automation.unversioned import keep_of
from automation.versions import Reuse, ScriptVersion
from hosts.jobs import Library, Script, TrialSource

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
        has_credentials = models.Exists(CredentialGrant.objects.filter(script=models.OuterRef("script")))
        found = _current(script__name=name).values_list("script_id", "number", "content_hash", has_credentials).first()
    finally:
        close_old_connections()
    if found is None:
        raise NoScriptError(f"there is no script {name}")
    script_id, version, content_hash, is_granted = found
    return replace(_cached(str(script_id), version, name, content_hash), has_credentials=is_granted)


def tried(script_id: str, name: str, trial: TrialSource) -> Script:
    """Unsaved source as a script. It gets a process of its own.

    Raises:
        NoScriptError: a library is gone.
        django.db.Error: the database cannot be read.
    """
    try:
        found = ScriptVersion.objects.filter(pk__in=trial.libraries).annotate(script_name=models.F("script__name"))
        libraries = tuple(Library(each.script_name, each.number, each.source) for each in found)
    finally:
        close_old_connections()
    if len(libraries) < len(trial.libraries):
        raise NoScriptError(f"a library of the script {name} is gone")
    return Script(
        script_id,
        name,
        0,
        trial.source,
        tuple(trial.parameters),
        trial.timeout_seconds,
        memory_limit_mb=trial.memory_limit_mb,
        reuse=False,
        libraries=libraries,
        environment=trial.environment,
    )


def credentials_of(script_id: str) -> dict[str, GrantedCredential]:
    """The credentials that are granted to a script now, by name; none for one that is not stored.

    Raises:
        automation.credential_keys.CredentialKeyMissingError: one of them cannot be decrypted.
        django.db.Error: the database cannot be read.
    """
    try:
        return granted(script_id) if script_id else {}
    finally:
        close_old_connections()


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


def shown_name(script: Script) -> str:
    """A script as messages name it; a file that is tried has no version."""
    return f"{script.name} (version {script.version})" if script.version else script.name


def _current(**which: str | UUID) -> "models.QuerySet[ScriptVersion]":
    return ScriptVersion.objects.filter(**which, number=models.F("script__current_version"))


def _read(rows: "models.QuerySet[ScriptVersion]", what: str) -> Script:
    try:
        found = rows.annotate(
            script_name=models.F("script__name"),
            build_state=models.F("build__state"),
            environment=models.F("build__lock__digest"),
        ).first()
        libraries = _libraries(found) if found is not None else ()
    finally:
        # A run holds no connection, and a broken connection is not used again.
        close_old_connections()
    if found is None:
        raise NoScriptError(f"there is no script {what}")
    if found.build_state not in (None, BuildState.READY):
        raise NoScriptError(f"version {found.number} of the script {found.script_name} is not ready: see its build")
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
        environment=found.environment or "",
    )


def _libraries(version: ScriptVersion) -> tuple[Library, ...]:
    used = version.libraries()
    if missing := [name for name, library in used.items() if library is None]:
        raise NoScriptError(f"the library {missing[0]} of script {version.script_id} is gone")
    return tuple(Library(name, library.number, library.source) for name, library in used.items() if library)

"""The scripts as a worker node needs them: read by id or name, cached by version."""

import json
from functools import lru_cache

from django.db import close_old_connections, models

from automation.models import AutomationScript, Reuse
from hosts.jobs import Script

_KEPT = 256


class NoScriptError(Exception):
    """The script is gone, or cannot be run as requested."""


@lru_cache(maxsize=_KEPT)
def load(script_id: str, version: int) -> Script:
    """The script in the version that a trigger was admitted with, or newer.

    Raises:
        NoScriptError: the script is gone.
        django.db.Error: the database cannot be read.
    """
    return _read(AutomationScript.objects.filter(pk=script_id), script_id)


def load_by_name(name: str) -> Script:
    """The current version of the script of this name.

    Raises:
        NoScriptError: there is none.
        django.db.Error: the database cannot be read.
    """
    return _read(AutomationScript.objects.filter(name=name), name)


def log_label(script_id: str, version: int, name: str | None = None) -> str:
    """A script as log lines name it: by id, version and name, which is `-` if it could not be read."""
    quoted = "-" if name is None else json.dumps(name, ensure_ascii=False)
    return f"script={script_id} version={version} name={quoted}"


def _read(rows: "models.QuerySet[AutomationScript]", what: str) -> Script:
    try:
        found = rows.first()
    finally:
        # A run holds no connection, and a broken connection is not used again.
        close_old_connections()
    if found is None:
        raise NoScriptError(f"there is no script {what}")
    return Script(
        str(found.id),
        found.name,
        found.version,
        found.source,
        tuple(found.parameters),
        found.timeout_seconds,
        found.has_run,
        found.memory_limit_mb,
        found.reuse == Reuse.WARM,
    )

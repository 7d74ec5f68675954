"""The scripts as a worker node needs them: read by id or name, kept by version."""

from functools import lru_cache

from django.db import close_old_connections, models

from automation.models import AutomationScript, Reuse
from hosts.jobs import Script

_KEPT = 256


class NoScriptError(Exception):
    """The script is gone, or cannot run as it is to."""


@lru_cache(maxsize=_KEPT)
def load(script_id: str, version: int) -> Script:
    """The script in the version that a trigger was admitted with, or newer.

    Raises:
        NoScriptError: it has vanished since.
        django.db.Error: the database cannot be read.
    """
    return _read(AutomationScript.objects.filter(pk=script_id), script_id)


def load_by_name(name: str) -> Script:
    """The script of this name as it is now.

    Raises:
        NoScriptError: there is none.
        django.db.Error: the database cannot be read.
    """
    return _read(AutomationScript.objects.filter(name=name), name)


def _read(rows: "models.QuerySet[AutomationScript]", what: str) -> Script:
    try:
        found = rows.first()
    finally:
        # A run holds no connection, and a broken one is not used again.
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

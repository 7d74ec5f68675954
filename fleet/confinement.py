"""Confinement: the files that scripts can reach by the settings, and whether this machine's kernel enforces that."""

from pathlib import Path

from django.conf import settings

from hosts import landlock
from hosts.landlock import ReachablePaths
from hosts.reachable_paths import reachable_paths

UNCONFINED = "This kernel has no Landlock, or it is turned off: scripts can read every file that their account can."


def is_enforced() -> bool:
    """Whether the kernel keeps scripts away from all other files."""
    return landlock.abi() > 0


def configured_paths() -> ReachablePaths:
    """The files and directories that scripts can reach."""
    return reachable_paths(
        readable=settings.UDAPI_SCRIPT_READ_PATHS,
        writable=settings.UDAPI_SCRIPT_WRITE_PATHS,
        closed=closed(),
        state=settings.UDAPI_STATE_DIR,
    )


def closed() -> list[Path]:
    """Paths that scripts never reach, whatever directory they lie in: secrets, database, packages, logs, code."""
    found = [settings.DATA_DIR.root, settings.UDAPI_ENVIRONMENTS_DIR, settings.UDAPI_LOGS.directory, settings.BASE_DIR]
    database = settings.DATABASES["default"]
    return [*found, Path(database["NAME"])] if database["ENGINE"].endswith("sqlite3") else found


def opened_by_mistake() -> list[Path]:
    """The paths in the settings that must stay closed."""
    barred = {path.resolve() for path in closed()}
    given = [*settings.UDAPI_SCRIPT_READ_PATHS, *settings.UDAPI_SCRIPT_WRITE_PATHS, settings.UDAPI_STATE_DIR]
    return [path for path in given if path.resolve() in barred]

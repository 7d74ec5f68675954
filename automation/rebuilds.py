"""Building a version once more: after a failure, or after its environment was removed to make room."""

from automation import build_changes, libraries
from automation.builds import BuildState, build_of
from automation.models import AutomationScript
from automation.versions import ScriptVersion


def build_again(script: AutomationScript, version: ScriptVersion, by: str) -> bool:
    """Build a version of `script`, whose row the caller has locked; False if it is ready or being built.

    It becomes current if it is the one that the script waits for.

    Raises:
        ValidationError: `InvalidScript`, a library that it was saved with has been deleted.
    """
    build = build_of(version)
    if build is None or build.state != BuildState.FAILED:
        return False
    libraries.hold_libraries_of(version)
    build_changes.again(build, by, becomes_current=version.number == script.pending_version)
    return True

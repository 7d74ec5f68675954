"""Versions with packages whose builds tests end as nodes do."""

from automation import build_changes, build_ends
from automation.builds import Build, BuildState, PackageLock
from automation.locks import LockedPackage
from automation.models import AutomationScript
from automation.requirements import Requirements
from automation.versions import ScriptVersion
from tests.automation.saved import RUN


def needing(*dependencies: str, body: str = RUN) -> str:
    """A source that asks for these packages."""
    asked = ", ".join(f'"{each}"' for each in dependencies)
    return f"# /// script\n# dependencies = [{asked}]\n# ///\n{body}"


def build(script: AutomationScript, number: int) -> Build:
    return Build.objects.select_related("lock").get(version__script=script.pk, version__number=number)


def resolve(found: Build, version: str = "1.0") -> None:
    """Store a lock that has each dependency in this version."""
    needed = Requirements.from_json(found.requirements)
    packages = [LockedPackage(name, version) for name in needed.dependencies]
    text = "".join(f"{each.name}=={each.version} --hash=sha256:{'0' * 64}\n" for each in packages)
    build_changes.resolved(found.pk, needed, text, packages)


def finish(script: AutomationScript, number: int, version: str = "1.0") -> Build:
    """Let every node have what this version of the script needs."""
    found = build(script, number)
    resolve(found, version)
    build_ends.ready(found.pk)
    return build(script, number)


def locked(script: AutomationScript, number: int, version: str = "1.0") -> PackageLock:
    """The same; returns what they have."""
    lock = finish(script, number, version).lock
    assert lock is not None
    return lock


def unbuilt(version: ScriptVersion) -> None:
    """Make a version that needs nothing one that asks for a package and could not be built."""
    needed = Requirements(dependencies=("six",))
    begun = build_changes.begin(version, needed, None, by="system", is_ready=False, becomes_current=False)
    Build.objects.filter(pk=begun.pk).update(state=BuildState.FAILED)


def has(script: AutomationScript) -> tuple[int | None, int | None]:
    """The numbers of its current version and of the one that waits for its build, as they are stored."""
    numbers = AutomationScript.objects.filter(pk=script.pk).values_list("current_version", "pending_version")
    return numbers.get()

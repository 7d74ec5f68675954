"""An import waits for the builds of the versions that its files make current or pin, unless they are ready."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from as_code.kinds import DEFINITIONS, SCRIPTS
from as_code.plan import Plan
from automation import rebuilds
from automation.builds import Build, BuildState
from automation.requirements import Requirements
from automation.versions import ScriptVersion


class AwaitedBuild(NamedTuple):
    """A build, and which version it makes ready."""

    build_id: int
    script: str
    number: int
    becomes_current: bool
    dependencies: Sequence[str]
    packages: int | None
    """How many the lock has; None as long as the dependencies have to be resolved."""

    @property
    def title(self) -> str:
        name = self.script if self.script.isprintable() else repr(self.script)
        return f"{name} version {self.number}"

    def needs(self) -> str:
        """Which packages it needs."""
        asked = ", ".join(self.dependencies) or "no packages, only its own Python"
        how = "to be resolved" if self.packages is None else f"packages in its lock: {self.packages}"
        return f"packages: {self.title} needs {asked} ({how})"


def build_again(plan: Plan, by: str) -> None:
    """Builds that have failed go on, for the user of this name. What cannot go on, the definitions will tell."""
    for build, version in _awaited(plan):
        if build.state == BuildState.FAILED and None not in version.libraries().values():
            rebuilds.build_again(version.script, version, by)


def found(plan: Plan) -> list[AwaitedBuild]:
    """By script and number."""
    builds = [
        AwaitedBuild(
            build.pk,
            version.script.name,
            version.number,
            build.becomes_current,
            Requirements.from_json(build.requirements).dependencies,
            None if build.lock is None else len(build.lock.packages),
        )
        for build, version in _awaited(plan)
    ]
    return sorted(builds, key=lambda each: (each.script, each.number))


def _awaited(plan: Plan) -> Iterator[tuple[Build, ScriptVersion]]:
    scripts = {target.instance.pk for target in plan.targets[SCRIPTS]}
    pins = {
        (target.script.pk, target.entry.values.get("scriptVersion"))
        for target in plan.targets[DEFINITIONS]
        if target.script is not None
    }
    rows = Build.objects.exclude(state=BuildState.READY).filter(version__isnull=False)
    unread = "log", "lock__text", "version__source", "version__script__source"
    for build in rows.select_related("lock", "version__script").defer(*unread):
        version = build.version
        if version is not None:
            is_pending = version.script_id in scripts and version.number == version.script.pending_version
            if is_pending or (version.script_id, version.number) in pins:
                yield build, version

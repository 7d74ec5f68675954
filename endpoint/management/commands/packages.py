"""`manage.py packages`: the packages that scripts have on this machine."""

from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from django.core.management.base import BaseCommand, CommandError

from automation import locks
from automation.builds import Build, PackageLock
from automation.models import AutomationScript
from endpoint.script_files import ScriptFile, UnusableScriptError
from fleet.local_packages import LocalPackages
from fleet.resolved_locks import ResolvedLocks
from hosts.package_builds import BuildError
from objects.commands import require_tables

_MEGABYTE = 1024 * 1024


class _Lock(NamedTuple):
    """What the packages of a script are."""

    digest: str
    requires_python: str
    text: str


class Command(BaseCommand):
    help = (
        "Look at the environments of this machine, and use that of a script: of a file, without Redis and a database, "
        "or of a stored script in its current version."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        actions.add_parser("list", help="list the environments: size, last use, packages, and which scripts use them")
        helps = {
            "lock": "print the lock of a script: requirements with hashes, as pip reads them",
            "path": "print the directory with the packages of a script, which is built unless it is there",
        }
        for name, text in helps.items():
            action = actions.add_parser(name, help=text)
            action.add_argument("script", metavar="FILE|NAME", help="a file with a script, or the name of a stored one")

    def handle(self, *args: Any, **options: Any) -> None:
        packages = LocalPackages.configured(self._build_line)
        if options["action"] == "list":
            require_tables()
            for line in _listed(packages):
                self.stdout.write(line)
            return
        try:
            lock = _lock_of(options["script"], packages)
            if lock is None:
                self.stderr.write(f"{options['script']} needs no packages.", style_func=str)
            elif options["action"] == "lock":
                self.stdout.write(lock.text, ending="")
            else:
                self.stdout.write(str(packages.install(*lock)))
        except (BuildError, UnusableScriptError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted.", returncode=130) from error

    def _build_line(self, line: str) -> None:
        self.stderr.write(line, style_func=str)
        self.stderr.flush()


def _lock_of(script: str, packages: LocalPackages) -> _Lock | None:
    """The lock of a file or of a stored script; None if it needs no packages.

    Raises:
        UnusableScriptError, BuildError: a file has none.
        CommandError: there is no such script, or none of its versions is ready.
    """
    if not Path(script).is_file():
        require_tables()
        return _stored_lock(script)
    needed = ScriptFile.read(Path(script)).needed
    if not needed:
        return None
    text = packages.lock(needed)
    return _Lock(locks.digest(needed.requires_python, text), needed.requires_python, text)


def _stored_lock(name: str) -> _Lock | None:
    found = AutomationScript.objects.filter(name=name).values_list("pk", "current_version").first()
    if found is None:
        raise CommandError(f"There is neither a file nor a script {name}.")
    script_id, number = found
    if number is None:
        raise CommandError(f"No version of {name} is ready.")
    lock = PackageLock.objects.filter(builds__version__script=script_id, builds__version__number=number).first()
    return None if lock is None else _Lock(lock.digest, lock.requires_python, lock.text)


def _listed(packages: LocalPackages) -> Iterator[str]:
    """Three lines for each environment, the ones that were used last at first."""
    stored = sorted(packages.store.listed(), key=lambda each: each.used_at, reverse=True)
    of_files = ResolvedLocks(packages.store).recent()
    known = PackageLock.objects.filter(digest__in=[each.digest for each in stored]).defer("text")
    names = {lock.digest: [f"{name} {version}" for name, version in lock.packages] for lock in known}
    names |= {digest: [f"{one.name} {one.version}" for one in locks.parse(text)] for digest, text in of_files.items()}
    users = _users()
    for each in stored:
        used_at = datetime.fromtimestamp(each.used_at, UTC)
        used_by = [*users.get(each.digest, ()), *(["files"] if each.digest in of_files else [])]
        yield f"{each.path}  {each.size_bytes / _MEGABYTE:.1f} MB, last used {used_at:%Y-%m-%d %H:%M} UTC"
        yield f"  packages: {', '.join(names.get(each.digest, ())) or 'unknown'}"
        yield f"  used by: {', '.join(used_by) or 'nothing'}"
    yield f"{len(stored)} environment(s), {packages.store.size_bytes() / _MEGABYTE:.1f} MB with the cache"


def _users() -> dict[str, list[str]]:
    """The scripts with versions that need a lock, by its digest."""
    found: dict[str, list[str]] = {}
    builds = Build.objects.filter(lock__isnull=False).exclude(version__script__name=None)
    rows = builds.values_list("lock__digest", "version__script__name").distinct()
    for digest, name in sorted(rows):
        found.setdefault(digest, []).append(name)
    return found

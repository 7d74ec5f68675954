"""The packages of script files on this machine: the same builds as those of nodes, without Redis and a database."""

from pathlib import Path
from typing import Self

from django.conf import settings

from automation import locks
from automation.requirements import Requirements, allowed_names
from fleet import package_options
from fleet.resolved_locks import ResolvedLocks
from hosts.environments import EnvironmentStore
from hosts.jobs import OnLine
from hosts.package_builds import BuildError, PackageBuilder


class LocalPackages:
    """Locks and environments of files in `store`. What a build prints goes to `on_line`.

    Requirements are resolved once and then kept; with `renews`, they are resolved anew once more.
    """

    def __init__(self, store: EnvironmentStore, builder: PackageBuilder, on_line: OnLine, *, renews: bool) -> None:
        self.store, self._builder, self._on_line = store, builder, on_line
        self._kept = ResolvedLocks(store)
        self._renews = renews
        self._found: dict[Requirements, str] = {}

    @classmethod
    def configured(cls, on_line: OnLine, *, renews: bool = False) -> Self:
        """With the directory and the index of the settings."""
        store = EnvironmentStore(settings.UDAPI_ENVIRONMENTS_DIR)
        return cls(store, PackageBuilder(store, package_options.configured()), on_line, renews=renews)

    def lock(self, needed: Requirements) -> str:
        """What requirements resolve to. Raises BuildError."""
        if needed not in self._found:
            text = None if self._renews else self._kept.find(needed)
            if text is None:
                text = self._builder.resolve(needed.requires_python, needed.dependencies, self._on_line)
                self._kept.keep(needed, text)
            _refuse_names(text)
            self._found[needed] = text
        return self._found[needed]

    def environment(self, needed: Requirements) -> str:
        """The digest of the environment with what is needed, built unless it is there; empty if nothing is needed.

        Raises BuildError.
        """
        if not needed:
            return ""
        text = self.lock(needed)
        digest = locks.digest(needed.requires_python, text)
        self.install(digest, needed.requires_python, text)
        return digest

    def install(self, digest: str, requires_python: str, text: str) -> Path:
        """The directory of the environment of a lock, built unless it is there. Raises BuildError."""
        if (path := self.store.find(digest)) is None:
            _refuse_names(text)
            path = self._builder.install(digest, requires_python, text, self._on_line).path
        self.store.used(digest)
        return path


def _refuse_names(text: str) -> None:
    try:
        locks.refuse_names(locks.parse(text), allowed_names())
    except locks.LockError as error:
        raise BuildError(error.message) from error

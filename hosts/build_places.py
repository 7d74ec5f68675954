"""Where a build works: in a directory of its own beside the environments, which no script can reach."""

import os
import pwd
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hosts import file_trees, landlock, uv_commands
from hosts.build_errors import BuildError
from hosts.environments import EnvironmentStore


@dataclass(frozen=True)
class BuildPlace:
    """`work` belongs to the account of builds, as `cache` does; `directory` around it to the worker's."""

    directory: Path
    work: Path
    cache: Path

    @property
    def home(self) -> Path:
        return self.work / "home"

    @property
    def target(self) -> Path:
        """Where the packages are put."""
        return self.work / "environment"

    def sealed(self) -> Path:
        """The packages, when their build has ended: the worker's, readable for every account. Raises OSError.

        Raises UnusualFileError for what no wheel contains.
        """
        # From here on, the account of builds cannot reach them.
        self.directory.chmod(0o700)
        environment = self.directory / "environment"
        self.target.rename(environment)
        (environment / ".lock").unlink(missing_ok=True)
        file_trees.open_to_all(environment)
        return environment


@contextmanager
def prepared(store: EnvironmentStore, name: str, user: str) -> Iterator[BuildPlace]:
    """A place, which is removed at the end. The lock `name` must be held. Raises OSError and BuildError.

    Without Landlock, scripts of the same account could change the cache: each build has one of its own.
    """
    account = _account(user)
    _make_root(store.root, account)
    with store.building(name) as directory:
        place = BuildPlace(directory, directory / "work", store.cache_dir if landlock.abi() else directory / "cache")
        if account:
            directory.chmod(0o711)
        for path in (place.work, place.home, place.target, place.cache):
            _make(path, account)
        yield place


def _make_root(root: Path, account: pwd.struct_passwd | None) -> None:
    if not root.is_dir():
        root.mkdir(parents=True)
        root.chmod(0o755)
    if account:
        _require_reach(account, {"environments": root, "Python": Path(sys.executable), "uv": uv_commands.program()})


def _account(user: str) -> pwd.struct_passwd | None:
    """The account of builds, if it is not the worker's. Raises BuildError."""
    try:
        return pwd.getpwnam(user) if user else None
    except KeyError as error:
        raise BuildError(f"There is no user {user} to build as.", is_of_node=True) from error


def _require_reach(account: pwd.struct_passwd, needed: dict[str, Path]) -> None:
    """Raise BuildError if the account cannot reach what a build needs."""
    for name, path in needed.items():
        if not _can_pass(account, path.resolve()):
            raise BuildError(
                f"The account {account.pw_name} cannot reach the {name} of this node: let it pass through the "
                "directories around (chmod o+x).",
                is_of_node=True,
            )


def _make(path: Path, account: pwd.struct_passwd | None) -> None:
    uid = account.pw_uid if account else os.geteuid()
    if path.exists() and path.stat().st_uid != uid:
        # The cache of another account: builds ran as that before.
        file_trees.remove(path)
    path.mkdir(mode=0o700, exist_ok=True)
    if account:
        os.chown(path, account.pw_uid, account.pw_gid)


def _can_pass(account: pwd.struct_passwd, path: Path) -> bool:
    return all(_lets_pass(above.stat(), account) for above in (path, *path.parents))


def _lets_pass(found: os.stat_result, account: pwd.struct_passwd) -> bool:
    if found.st_uid == account.pw_uid:
        return bool(found.st_mode & stat.S_IXUSR)
    return bool(found.st_mode & (stat.S_IXGRP if found.st_gid == account.pw_gid else stat.S_IXOTH))

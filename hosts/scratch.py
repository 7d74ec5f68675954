"""Scratch directories: each run starts in an empty one.

Those of one host lie in its own directory, to which Landlock confines it: the rule also covers what is made there
later. Modes and owners are changed by descriptor, never by name: a script could put a link in its place.

On a file system with a journal, making and removing one takes 0.1 ms, a tenth of a worker node's time for a trigger.
Most scripts leave theirs untouched, so the next run of the same host uses it, too.
"""

import itertools
import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)

_ATTEMPTS = 3
_PAUSE_SECONDS = 0.01
_numbers = itertools.count(1)


def make_base(parent: Path | None, user: str) -> Path:
    """Make the directory for a worker's scratch directories, which `user` may pass through. Raises OSError."""
    base = Path(tempfile.mkdtemp(prefix="script-hosts-", dir=parent))
    if user:
        _let_pass(str(base))
    return base


def make_for_host(base: Path, user: str) -> str:
    """Make a directory in `base` for the scratch directories of one host, and `base` itself if it is gone.

    Raises OSError.
    """
    # Not a `Path`: it would add each name to Python's table of interned strings, which grows in steps.
    path = f"{base}/host-{next(_numbers)}"
    try:
        _make(path, user)
    except FileNotFoundError:
        _make_again(base, user)
        _make(path, user)
    return path


def _make_again(base: Path, user: str) -> None:
    """Make the directory for scratch directories again.

    Raises OSError, also if the name now belongs to another account: that could replace what we make in it.
    """
    try:
        _make(str(base), user)
    except FileExistsError:
        found = base.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise


def _make(path: str, user: str) -> None:
    os.mkdir(path, mode=0o700)
    if user:
        _let_pass(path)


def _let_pass(path: str) -> None:
    with _opened(path, os.O_RDONLY) as directory:
        os.fchmod(directory, 0o711)


def give(path: str | Path, user: str) -> None:
    """Make `user` the owner of a directory. Raises OSError, also if `path` is a link."""
    with _opened(path, os.O_RDONLY) as directory:
        shutil.chown(directory, user)


@contextmanager
def _opened(path: str | Path, flags: int, above: int | None = None) -> Iterator[int]:
    """A descriptor of a directory. Raises OSError, also if `path` is a link."""
    descriptor = os.open(path, flags | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def touch(base: Path) -> None:
    """Mark the directory as in use for programs that clean up."""
    with suppress(OSError):
        os.utime(base)


@dataclass(frozen=True, slots=True)
class Scratch:
    """A directory for runs of one host, and its state when it was new."""

    path: str
    state: tuple[int, int, int]

    def is_untouched(self) -> bool:
        """Whether it is empty and has not changed since it was made."""
        try:
            return _state(self.path) == self.state and not os.listdir(self.path)
        except OSError:
            return False


def make(directory: str, user: str) -> Scratch:
    """Make a scratch directory in the `directory` of a host; it belongs to `user` if there is one. Raises OSError."""
    path = f"{directory}/run-{next(_numbers)}"
    os.mkdir(path, mode=0o700)
    if user:
        give(path, user)
    return Scratch(path, _state(path))


def _state(path: str) -> tuple[int, int, int]:
    """Inode, mode, and the time of the last change of mode or entries, which only the kernel sets."""
    found = os.lstat(path)
    return found.st_ino, found.st_mode, found.st_ctime_ns


def remove(path: str | Path) -> None:
    """Remove a directory; a failure is logged, not raised."""
    try:
        is_gone = remove_empty(path) or remove_tree(Path(path))
    except OSError:
        # The script has changed the mode of the directory above.
        is_gone = False
    if not is_gone:
        _log.warning("The scratch directory %s could not be removed.", path)


def remove_empty(path: str | Path) -> bool:
    """Remove a directory if it is empty, as after most runs, in one system call; returns whether it was."""
    try:
        os.rmdir(path)
    except OSError:
        return False
    return True


def remove_tree(path: Path) -> bool:
    """Remove a directory with everything in it, whatever the modes are; returns whether it is gone."""
    if path.is_symlink() or not path.is_dir():
        # A script has replaced its directory. The target of a link is not ours to remove.
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return not os.path.lexists(path)
    for attempt in range(_ATTEMPTS):
        if attempt:
            # A killed process may just have written something, and a script may have removed its own rights.
            time.sleep(_PAUSE_SECONDS)
            with suppress(RecursionError):
                _open_up(str(path))
        with suppress(RecursionError):
            shutil.rmtree(path, ignore_errors=True)
        if not os.path.lexists(path):
            return True
    return False


def _open_up(name: str, above: int | None = None) -> None:
    """Give this account all rights to a directory and those below it."""
    # Without the right to read it, a directory can only be opened with O_PATH.
    with suppress(OSError), _opened(name, os.O_PATH, above) as opened:
        os.chmod(f"/proc/self/fd/{opened}", 0o700)
        with _opened(".", os.O_RDONLY, opened) as directory:
            inner = os.listdir(directory)
        for each in inner:
            _open_up(each, opened)

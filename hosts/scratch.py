"""Scratch directories: an empty one for each run, gone when it ends if there was anything in it.

Those of one host lie in a directory of its own, to which Landlock confines it: the rule covers what is made there
later. Modes and owners are changed by descriptor, never by name: a script could put a link there meanwhile.

To make and remove one takes 0.1 ms where the file system has a journal, a tenth of a worker node's time for a
trigger. Most scripts leave theirs untouched: then the next run of the same host has it.
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
    """The directory for a worker's scratch directories; `user` may pass through it. Raises OSError."""
    base = Path(tempfile.mkdtemp(prefix="script-hosts-", dir=parent))
    if user:
        _let_pass(str(base))
    return base


def make_for_host(base: Path, user: str) -> str:
    """A new directory under `base` for the scratch directories of one host; `base` is made again if it is gone.

    Raises OSError.
    """
    # Not a `Path`: each would leave its name in Python's table of interned strings, which grows by steps.
    path = f"{base}/host-{next(_numbers)}"
    try:
        _make(path, user)
    except FileNotFoundError:
        _make_again(base, user)
        _make(path, user)
    return path


def _make_again(base: Path, user: str) -> None:
    """Make the directory for scratch directories once more.

    Raises OSError, also when somebody else has taken its name meanwhile: whose directory it is could swap what we make.
    """
    try:
        _make(str(base), user)
    except FileExistsError:
        found = base.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise


def _make(path: str, user: str) -> None:
    """Make a directory that `user` may pass through. Raises OSError."""
    os.mkdir(path, mode=0o700)
    if user:
        _let_pass(path)


def _let_pass(path: str) -> None:
    with _opened(path, os.O_RDONLY) as directory:
        os.fchmod(directory, 0o711)


def give(path: str | Path, user: str) -> None:
    """Make `user` the owner of a directory. Raises OSError, also when `path` is a link."""
    with _opened(path, os.O_RDONLY) as directory:
        shutil.chown(directory, user)


@contextmanager
def _opened(path: str | Path, flags: int, above: int | None = None) -> Iterator[int]:
    """A descriptor of a directory, which a link is not."""
    descriptor = os.open(path, flags | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def touch(base: Path) -> None:
    """Show that the directory is in use."""
    with suppress(OSError):
        os.utime(base)


@dataclass(frozen=True, slots=True)
class Scratch:
    """A directory for runs of one host, and how it was when it was new."""

    path: str
    state: tuple[int, int, int]

    def is_untouched(self) -> bool:
        """Whether it is empty, and nobody has changed it since it was made."""
        try:
            return _state(self.path) == self.state and not os.listdir(self.path)
        except OSError:
            return False


def make(directory: str, user: str) -> Scratch:
    """A new directory in a host's own `directory`; `user`'s own unless that is empty. Raises OSError."""
    path = f"{directory}/run-{next(_numbers)}"
    os.mkdir(path, mode=0o700)
    if user:
        give(path, user)
    return Scratch(path, _state(path))


def _state(path: str) -> tuple[int, int, int]:
    """Which directory it is, its mode, and when either that or its entries last changed: the kernel alone sets that."""
    found = os.lstat(path)
    return found.st_ino, found.st_mode, found.st_ctime_ns


def remove(path: str | Path) -> None:
    """Remove a run's directory; what is left in spite of that is logged, never raised."""
    try:
        is_gone = remove_empty(path) or remove_tree(Path(path))
    except OSError:
        # The script has closed the directory above to its own account.
        is_gone = False
    if not is_gone:
        _log.warning("The scratch directory %s could not be removed.", path)


def remove_empty(path: str | Path) -> bool:
    """Whether nothing was in it, as after most runs: that takes one call, looking for what there is takes ten."""
    try:
        os.rmdir(path)
    except OSError:
        return False
    return True


def remove_tree(path: Path) -> bool:
    """Remove a directory with all that is in it, also what forbids it by its mode; whether it is gone."""
    if path.is_symlink() or not path.is_dir():
        # A script put it in the place of its directory: what a link points to is none of ours.
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return not os.path.lexists(path)
    for attempt in range(_ATTEMPTS):
        if attempt:
            # A killed process may still have been writing, and a script may have taken its own rights away.
            time.sleep(_PAUSE_SECONDS)
            with suppress(RecursionError):
                _open_up(str(path))
        with suppress(RecursionError):
            shutil.rmtree(path, ignore_errors=True)
        if not os.path.lexists(path):
            return True
    return False


def _open_up(name: str, above: int | None = None) -> None:
    """Let this account into a directory and all that lie in it."""
    # Without the right to read it, which it may lack, a directory can be opened as a place alone.
    with suppress(OSError), _opened(name, os.O_PATH, above) as place:
        os.chmod(f"/proc/self/fd/{place}", 0o700)
        with _opened(".", os.O_RDONLY, place) as directory:
            inner = os.listdir(directory)
        for each in inner:
            _open_up(each, place)

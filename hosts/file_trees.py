"""What a directory holds: how much, and for whom."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from hosts.scratch import remove_tree

_LEAST_BYTES = 4096
"""What an empty file counts for: a wheel can have millions of them."""


class UnusualFileError(Exception):
    """Something that is neither a directory nor a file of its own; the text names it."""


def bytes_of(directory: Path) -> int:
    """What the files below a directory take on the disk; 0 if it is missing. Other processes may be changing it."""
    return sum(max(found.st_blocks * 512, _LEAST_BYTES) for _path, found in _below(directory))


def remove(directory: Path) -> None:
    """Remove a directory with everything in it, as far as that is possible."""
    if not remove_tree(directory):
        # Python gives up on directories that are nested more deeply than its calls may be.
        program = os.posix_spawn("/bin/rm", ["rm", "-rf", "--", str(directory)], {})
        os.waitpid(program, 0)


def open_to_all(directory: Path) -> None:
    """Let every account read what is below, and only this one write; this one owns it if it is root.

    No other account may be able to reach the directory meanwhile. Raises UnusualFileError for links and devices, which
    could lead elsewhere, and OSError.
    """
    for path, found in [(str(directory), directory.lstat()), *_below(directory, _raise)]:
        is_directory = stat.S_ISDIR(found.st_mode)
        if not is_directory and (not stat.S_ISREG(found.st_mode) or found.st_nlink > 1):
            raise UnusualFileError(os.path.basename(path))
        if os.geteuid() == 0:
            os.chown(path, 0, 0, follow_symlinks=False)
        os.chmod(path, 0o755 if is_directory or found.st_mode & 0o100 else 0o644)


def _below(
    directory: Path, on_error: Callable[[OSError], None] = lambda _error: None
) -> Iterator[tuple[str, os.stat_result]]:
    """Everything below a directory, each directory before what it holds. Not by recursion: a wheel may nest deeply."""
    left = [str(directory)]
    while left:
        try:
            entries = list(os.scandir(left.pop()))
        except OSError as error:
            on_error(error)
            continue
        for entry in entries:
            try:
                yield entry.path, entry.stat(follow_symlinks=False)
            except OSError as error:
                on_error(error)
            if entry.is_dir(follow_symlinks=False):
                left.append(entry.path)


def _raise(error: OSError) -> None:
    raise error

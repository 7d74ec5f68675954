"""Reading files of unknown origin: no link, pipe or device is followed into, and none without end."""

import os
import stat
from pathlib import Path

LARGEST_FILE = 10 * 1024 * 1024
SOURCE_SUFFIX = ".py"

_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class UnreadableError(Exception):
    """Why a file cannot be read, as the end of a sentence that begins with its name."""


def read_file(path: Path) -> str:
    """The text of a file that the caller has named; links are followed.

    Raises:
        UnreadableError: it is no regular file, too large, or not UTF-8.
    """
    return _text(_open(os.fspath(path)))


def read_beside(directory: Path, name: str) -> str:
    """The source of a script at `name`, relative to `directory`; links below the directory are refused.

    Raises:
        UnreadableError: the path leads elsewhere, or there is nothing that can be read.
    """
    *parents, file = _parts(name)
    held = _open(os.fspath(directory), os.O_DIRECTORY)
    try:
        for parent in parents:
            below = _open(parent, os.O_DIRECTORY | os.O_NOFOLLOW, held)
            os.close(held)
            held = below
        return _text(_open(file, os.O_NOFOLLOW, held))
    finally:
        os.close(held)


def _parts(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part != "."]
    if not all(parts) or ".." in parts or "\\" in name or not name.isprintable():
        raise UnreadableError("leads outside of the directory of the file that names it")
    if not name.endswith(SOURCE_SUFFIX):
        raise UnreadableError(f"is no {SOURCE_SUFFIX} file")
    return parts


def _open(path: str, flags: int = 0, directory: int | None = None) -> int:
    try:
        return os.open(path, _FLAGS | flags, dir_fd=directory)
    except (OSError, ValueError) as error:
        raise UnreadableError(_reason(path, directory, error)) from error


def _reason(path: str, directory: int | None, error: OSError | ValueError) -> str:
    try:
        if stat.S_ISLNK(os.stat(path, dir_fd=directory, follow_symlinks=False).st_mode):
            return "is or leads over a symbolic link, and those are not followed"
    except (OSError, ValueError):
        pass
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def _text(descriptor: int) -> str:
    try:
        with os.fdopen(descriptor, "rb") as file:
            content = file.read(LARGEST_FILE + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError as error:
        # `fdopen` itself says so about a directory, and has closed it.
        raise UnreadableError(f"cannot be read: {error.strerror}") from error
    if content is None:
        raise UnreadableError("is no regular file")
    if len(content) > LARGEST_FILE:
        raise UnreadableError(f"is larger than {LARGEST_FILE:,} bytes")
    return _decoded(content)


def _decoded(content: bytes) -> str:
    try:
        # Editors of some systems put a byte order mark in front.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"is not UTF-8 (byte {error.start + 1})") from error

"""Files on disk: what may be read, how it is written, and names for scripts."""

import hashlib
import os
import re
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

LARGEST_FILE = 10 * 1024 * 1024
SOURCE_SUFFIX = ".py"
LOCK_SUFFIX = ".lock"
LONGEST_STEM = 80
HASH_LENGTH = 10

# Opening a pipe must not wait for its other end.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_UNSAFE = re.compile(r"[^a-z0-9_]+")
# Names of devices on Windows, whatever follows the dot.
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])\Z")


class UnreadableError(Exception):
    """Why a file cannot be read, as the end of a sentence that begins with its name."""


def read_file(path: Path) -> str:
    """The text of a file that the user has named; links are followed.

    Raises:
        UnreadableError: it is not a regular file, too large, or not UTF-8.
    """
    return _text(_open(os.fspath(path)))


def read_beside(directory: Path, name: str, suffix: str = SOURCE_SUFFIX) -> str:
    """The text of a file with this suffix at `name`, relative to `directory`; links below the directory are refused.

    Raises:
        UnreadableError: the path leads elsewhere, or what is there cannot be read.
    """
    *parents, file = _parts(name, suffix)
    # O_NOFOLLOW protects only the last part of a path, so each directory is opened in the one before.
    held = _open(os.fspath(directory), os.O_DIRECTORY)
    try:
        for parent in parents:
            below = _open(parent, os.O_DIRECTORY | os.O_NOFOLLOW, held)
            os.close(held)
            held = below
        return _text(_open(file, os.O_NOFOLLOW, held))
    finally:
        os.close(held)


def _parts(name: str, suffix: str) -> list[str]:
    parts = [part for part in name.split("/") if part != "."]
    if not all(parts) or ".." in parts or "\\" in name or not name.isprintable():
        raise UnreadableError("leads outside the directory of the file that names it")
    if not name.endswith(suffix):
        raise UnreadableError(f"is not a {suffix} file")
    return parts


def _open(path: str, flags: int = 0, directory: int | None = None) -> int:
    try:
        return os.open(path, _FLAGS | flags, dir_fd=directory)
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        with suppress(OSError, ValueError):
            if stat.S_ISLNK(os.stat(path, dir_fd=directory, follow_symlinks=False).st_mode):
                reason = "is a symbolic link or lies behind one; links are not followed"
        raise UnreadableError(reason) from error


def _text(descriptor: int) -> str:
    try:
        with os.fdopen(descriptor, "rb") as file:
            # Checked on the open file: a name could mean another file a moment later.
            content = file.read(LARGEST_FILE + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError as error:
        # `fdopen` itself raises this for a directory, and has closed it.
        raise UnreadableError(f"cannot be read: {error.strerror}") from error
    if content is None:
        raise UnreadableError("is not a regular file")
    if len(content) > LARGEST_FILE:
        raise UnreadableError(f"is larger than {LARGEST_FILE:,} bytes")
    try:
        # Some editors begin a file with a byte order mark.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"is not UTF-8 (byte {error.start + 1})") from error


def write_file(path: Path, text: str, *, private: bool) -> None:
    """Write all of `text` or nothing; a link at `path` is replaced, not followed."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666), "wb") as file:
            file.write(text.encode())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def file_names(names: Iterable[str]) -> dict[str, str]:
    """A file name for each script name, also for disks on which `A.py` and `a.py` are the same file.

    Of several that would get the same, one that is spelled like its file keeps it, and the others get a hash of their
    name, so a new script does not rename the files of others.
    """
    stems = {name: _stem(name) for name in names}
    count = Counter(stems.values())
    plain = {name for name, stem in stems.items() if count[stem] == 1 or stem == name}
    taken = {stems[name] for name in plain}
    for name in sorted(stems.keys() - plain):
        digits, length = hashlib.sha256(name.encode()).hexdigest(), HASH_LENGTH
        while (stem := f"{stems[name]}-{digits[:length]}") in taken:
            length += 1
        stems[name] = stem
        taken.add(stem)
    return {name: f"{stem}{SOURCE_SUFFIX}" for name, stem in stems.items()}


def of_version(path: str, number: int) -> str:
    """The file for a version, beside that of the script; `file_names` gives no script a name with an @."""
    return f"{path.removesuffix(SOURCE_SUFFIX)}@{number}{SOURCE_SUFFIX}"


def of_lock(source: str) -> str:
    """The file for the lock of a script or version, beside its source."""
    return f"{source.removesuffix(SOURCE_SUFFIX)}{LOCK_SUFFIX}"


def _stem(name: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = _UNSAFE.sub("-", ascii_only).strip("-")[:LONGEST_STEM].strip("-")
    return f"script-{stem}".strip("-") if not stem or _RESERVED.match(stem) else stem

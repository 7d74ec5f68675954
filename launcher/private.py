"""Directories of mode 700 and files of mode 600."""

import os
import stat
from pathlib import Path

from launcher.steps import StartError


def directory(path: Path) -> None:
    """Make `path` and its missing parents, mode 700.

    Raises:
        StartError: it cannot be made, or not be written to.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StartError(
            f"The directory {path} cannot be written to ({error.strerror}): "
            "make it writable for this user, or choose another with UDAPI_DATA_DIR or UDAPI_LOG_DIR."
        ) from error


def own_directory(path: Path) -> None:
    """Make `path`, mode 700, where other users may write as well, as in /tmp.

    Raises:
        StartError: something of that name exists and is not a private directory of this user.
    """
    path.mkdir(mode=0o700, exist_ok=True)
    status = path.lstat()
    is_private = stat.S_ISDIR(status.st_mode) and not status.st_mode & 0o077
    if not is_private or status.st_uid != os.geteuid():
        raise StartError(f"{path} must be a directory of this user with mode 700: remove it and start again.")


def write(path: Path, text: str) -> None:
    """Write `text` to the file `path`, mode 600, as a whole or not at all.

    Raises:
        OSError: for example, the disk is full.
    """
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

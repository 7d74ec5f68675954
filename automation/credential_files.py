"""Files with the values of credentials: a JSON object of texts by name, which only their owner may read."""

import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

LARGEST_FILE: Final = 10 * 1024 * 1024

# Opening a pipe must not wait for its other end.
_FLAGS: Final = os.O_NONBLOCK | os.O_CLOEXEC


class CredentialFileError(Exception):
    """Why the values cannot be used: a sentence that begins with the file, and contains nothing of what is in it."""

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(f"{str(file)!r} {why}")


def read_values(file: Path) -> dict[str, str]:
    """The values in `file`, by the name of their credential.

    Raises:
        CredentialFileError: others can read it, or it is no JSON object of texts.
    """
    content = _private_content(file)
    try:
        values = json.loads(content.decode("utf-8-sig"), object_pairs_hook=_once)
    except UnicodeDecodeError:
        problem = "is not UTF-8."
    except json.JSONDecodeError as error:
        problem = f"is not valid JSON (line {error.lineno})."
    except RecursionError:
        problem = "is nested too deeply."
    except _TwiceError:
        problem = "has a name twice."
    else:
        if isinstance(values, dict) and all(isinstance(value, str) for value in values.values()):
            return values
        problem = "must be a JSON object with a text for each name of a credential."
    # Outside of the handlers: their errors hold the content.
    raise CredentialFileError(file, problem)


class _TwiceError(Exception):
    pass


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _TwiceError
        found[name] = value
    return found


def _private_content(file: Path) -> bytes:
    try:
        with open(file, "rb", opener=lambda path, flags: os.open(path, flags | _FLAGS)) as opened:
            # Asked of the open file: a name could mean another file a moment later.
            mode = os.fstat(opened.fileno()).st_mode
            content = opened.read(LARGEST_FILE + 1) if stat.S_ISREG(mode) else b""
    except (OSError, ValueError) as error:
        raise CredentialFileError(file, f"cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if not stat.S_ISREG(mode):
        raise CredentialFileError(file, "is not a regular file.")
    if mode & 0o077:
        raise CredentialFileError(file, "can be read or changed by other users: give it the mode 600.")
    if len(content) > LARGEST_FILE:
        raise CredentialFileError(file, f"is larger than {LARGEST_FILE:,} bytes.")
    return content

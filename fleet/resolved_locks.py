"""What the requirements of script files were resolved to, kept for the next call."""

import json
import os
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from automation import locks
from automation.requirements import Requirements
from hosts.environments import EnvironmentStore
from hosts.package_builds import BuildError

_KEPT_SECONDS: Final = 86_400.0
"""How long an environment that only files need stays after its last use."""


class ResolvedLocks:
    """A file for each lock, beside the environments in `store`."""

    def __init__(self, store: EnvironmentStore) -> None:
        self._directory = store.root / "resolved"

    def find(self, needed: Requirements) -> str | None:
        """A lock that is still whole. It counts as used."""
        file = self._file(needed)
        lock = _read(file)
        if lock is None or lock["requires_python"] != needed.requires_python:
            return None
        with suppress(OSError):
            os.utime(file)
        return lock["text"]

    def keep(self, needed: Requirements, text: str) -> None:
        """Raises BuildError."""
        file = self._file(needed)
        draft = file.with_name(f".{secrets.token_hex(8)}")
        digest = locks.digest(needed.requires_python, text)
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_text(json.dumps({"requires_python": needed.requires_python, "text": text, "digest": digest}))
            draft.replace(file)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise BuildError(f"The lock cannot be kept: {error.strerror}.", is_of_node=True) from error

    def recent(self) -> dict[str, str]:
        """The locks that were used within a day, by digest; the others are removed."""
        found: dict[str, str] = {}
        with suppress(OSError):
            for file in sorted(self._directory.iterdir()):
                if time.time() - file.stat().st_mtime > _KEPT_SECONDS:
                    file.unlink(missing_ok=True)
                elif (lock := _read(file)) is not None:
                    found[lock["digest"]] = lock["text"]
        return found

    def _file(self, needed: Requirements) -> Path:
        return self._directory / f"{needed.digest}.json"


def _read(file: Path) -> Mapping[str, str] | None:
    """A lock that was kept; None if there is none, or what is there is damaged."""
    try:
        lock = json.loads(file.read_bytes())
        requires_python, text, digest = str(lock["requires_python"]), str(lock["text"]), str(lock["digest"])
        locks.parse(text)
    except (OSError, ValueError, TypeError, KeyError, locks.LockError):
        return None
    is_whole = locks.digest(requires_python, text) == digest
    return {"requires_python": requires_python, "text": text, "digest": digest} if is_whole else None

"""The file that gets the secrets of new tokens: for this user only, and there exactly when the import is."""

import json
import os
from collections.abc import Mapping
from pathlib import Path


class SecretFileError(Exception):
    """Why secrets cannot be kept in the file; the text is a sentence."""


class SecretFile:
    """A file that must not be there yet. `keep` before the commit, `publish` after it, `discard` in any other case."""

    def __init__(self, path: Path) -> None:
        """Make sure that the secrets can be written before there are any.

        Raises:
            SecretFileError: they cannot.
        """
        self._path, self._draft = path, path.with_name(f"{path.name}.new")
        if os.path.lexists(path):
            raise SecretFileError(f"{path} is there already: choose another file.")
        try:
            self._file = os.fdopen(os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
        except FileExistsError as error:
            raise SecretFileError(
                f"{self._draft} is left from an import that was killed: if its tokens are there, it has their secrets; "
                "else remove it."
            ) from error
        except (OSError, ValueError) as error:
            raise SecretFileError(f"{path} cannot be written: {getattr(error, 'strerror', error)}.") from error

    def keep(self, secrets: Mapping[str, str]) -> None:
        """Write the secrets, by key of their token, to the disk.

        Raises:
            OSError: it is full, say.
        """
        json.dump(dict(sorted(secrets.items())), self._file, indent=2, ensure_ascii=False)
        self._file.write("\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def publish(self) -> None:
        """Give the file its name."""
        self._file.close()
        self._draft.replace(self._path)

    def discard(self) -> None:
        """Leave nothing."""
        self._file.close()
        self._draft.unlink(missing_ok=True)

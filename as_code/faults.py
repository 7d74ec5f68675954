"""What is wrong with files, each fault with file and line, as many at once as can be found."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

LONGEST_SHOWN = 80
MOST = 200


@dataclass(frozen=True, order=True)
class Place:
    """A line of a file, counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Fault:
    """Something to be mended before the files can be imported."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class RefusedImportError(Exception):
    """An import that changed nothing, with everything that was found wrong."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))


@dataclass
class Faults:
    """Collects faults."""

    found: list[Fault] = field(default_factory=list)

    def add(self, place: Place, message: str) -> None:
        """Note a fault; those beyond the first 200 would help nobody."""
        if len(self.found) < MOST:
            self.found.append(Fault(place, message))

    def stop(self) -> None:
        """Go no further when there are any.

        Raises:
            RefusedImportError: there are.
        """
        if self.found:
            raise RefusedImportError(self.found)


def shown(text: str) -> str:
    """A text from a file as a message shows it: in quotes, on one line, not too long."""
    return repr(text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…")


def shown_path(path: Path) -> str:
    """A path that can be printed, whatever its bytes."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")

"""What a script contains, found without running it."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from automation.compiler import inspect_all
from automation.inspection import LIBRARY_PACKAGE, ON_API_TRIGGER, RUN

__all__ = ("LIBRARY_PACKAGE", "ON_API_TRIGGER", "RUN")

LARGEST_SOURCE: Final = 256 * 1024
"""In bytes of UTF-8."""

_KEPT: Final = 2_048
_KEPT_NAMES: Final = 500_000
"""How many names the kept contents may have together; a source of the largest size can have tens of thousands."""


@dataclass(frozen=True)
class SourceError:
    """Why a source cannot be used; `line` counts from 1, None if the error is not about a line."""

    line: int | None
    message: str
    may_pass: bool = False
    """Whether another attempt may succeed."""


@dataclass(frozen=True)
class Block:
    """What the block of PEP 723 in a source says, its texts as they stand there."""

    line: int
    requires_python: str
    dependencies: Sequence[tuple[int, str]]
    """Each with its line."""


@dataclass(frozen=True)
class Contents:
    """The contents of a source, or the error that keeps it from being saved."""

    error: SourceError | None = None
    entry_points: Sequence[str] = ()
    docstring: str = ""
    """The docstring of the script, else of its entry point."""
    parameters: Sequence[str] = ()
    """The script parameters that it reads by a literal name."""
    libraries: Sequence[tuple[int, str, Sequence[str]]] = ()
    """Each import of a library: line, name of the library, names imported from it."""
    names: Sequence[str] | None = None
    """The names that importers find in it; None if only running it would tell all of them."""
    block: Block | None = None

    def size(self) -> int:
        """How many names it holds."""
        imported = sum(1 + len(names) for _line, _library, names in self.libraries)
        needed = len(self.block.dependencies) if self.block else 0
        return len(self.names or ()) + len(self.parameters) + imported + needed


class _Known:
    """The contents of the latest sources, because a save asks several times."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contents: OrderedDict[bytes, Contents] = OrderedDict()
        self._names = 0

    def get(self, key: bytes) -> Contents | None:
        with self._lock:
            if key in self._contents:
                self._contents.move_to_end(key)
            return self._contents.get(key)

    def add(self, contents: Mapping[bytes, Contents]) -> None:
        """Keep these, and drop the ones that were not asked for longest."""
        with self._lock:
            new = {key: each for key, each in contents.items() if key not in self._contents}
            self._contents.update(new)
            self._names += sum(each.size() for each in new.values())
            while len(self._contents) > _KEPT or self._names > _KEPT_NAMES:
                self._names -= self._contents.popitem(last=False)[1].size()


_known = _Known()


def contents(source: str) -> Contents:
    return contents_of([source])[0]


def contents_of(sources: Sequence[str]) -> list[Contents]:
    """The contents of each source. One call for many is faster than many calls."""
    keys = [hashlib.sha256(_encoded(source)).digest() for source in sources]
    found = {key: known for key in keys if (known := _known.get(key)) is not None}
    new = _read({key: source for key, source in zip(keys, sources, strict=True) if key not in found})
    # An error that may pass must not stay.
    _known.add({key: contents for key, contents in new.items() if not (contents.error and contents.error.may_pass)})
    found |= new
    return [found[key] for key in keys]


def compile_error(source: str) -> SourceError | None:
    """The reason why `source` cannot be compiled, None when it can."""
    return contents(source).error


def has_entry_point(source: str, name: str) -> bool:
    """Whether `source` can be compiled and binds `name` to a function at its top level."""
    return name in contents(source).entry_points


def _read(sources: Mapping[bytes, str]) -> dict[bytes, Contents]:
    sizes = {key: len(_encoded(source)) for key, source in sources.items()}
    too_large = {key: _too_large(size) for key, size in sizes.items() if size > LARGEST_SOURCE}
    fitting = {key: source for key, source in sources.items() if key not in too_large}
    return too_large | dict(zip(fitting, map(_contents, inspect_all(list(fitting.values()))), strict=True))


def _contents(said: Mapping[str, Any]) -> Contents:
    if "message" in said:
        return Contents(SourceError(**said))
    return Contents(**{**said, "block": _block(said.get("block"))})


def _block(said: Mapping[str, Any] | None) -> Block | None:
    if said is None:
        return None
    dependencies = tuple((line, text) for line, text in said["dependencies"])
    return Block(said["line"], said["requires_python"], dependencies)


def _too_large(size: int) -> Contents:
    message = f"The source has {size:,} bytes; at most {LARGEST_SOURCE:,} (256 KB) are allowed."
    return Contents(SourceError(None, message))


def _encoded(source: str) -> bytes:
    # A lone surrogate has no UTF-8; the compiler refuses it later.
    return source.encode("utf-8", "surrogatepass")

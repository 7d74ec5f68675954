"""The modules of a script host: the script, and exactly the libraries that it was saved with, as `scripts.NAME`."""

import linecache
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any

from automation.sdk.sibling_libraries import LIBRARY_PACKAGE

SCRIPT_MODULE = "automation_script"


def file_of(name: str) -> str:
    """How tracebacks name the source of the script or library `name`."""
    return f"<script {name}>"


def load(name: str, source: str, libraries: Mapping[str, str]) -> ModuleType:
    """Execute a script as a module of its own, which can import these libraries (name to source)."""
    LibraryFinder(libraries).install()
    module = sys.modules[SCRIPT_MODULE] = ModuleType(SCRIPT_MODULE)
    module.__file__ = file_of(name)
    exec(_compile(name, source), module.__dict__)  # noqa: S102  this is what the process is for
    return module


def _compile(name: str, source: str) -> CodeType:
    """The code of a source, whose lines tracebacks show."""
    file = file_of(name)
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    return compile(source, file, "exec", dont_inherit=True)


class LibraryFinder:
    """Finds and loads the modules `scripts.NAME`. No other finder is asked for one, whatever packages are installed."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources

    def install(self) -> None:
        """Ask this finder first, and forget a package of the same name, which code of other packages has imported."""
        for name in [name for name in sys.modules if name.partition(".")[0] == LIBRARY_PACKAGE]:
            del sys.modules[name]
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """The library `fullname`, or the empty package of the libraries; None for other modules.

        Raises:
            ModuleNotFoundError: the script was saved without such a library.
        """
        package, _, name = fullname.partition(".")
        if package != LIBRARY_PACKAGE:
            return None
        if not name:
            return self._spec(fullname, is_package=True)
        if name not in self._sources:
            message = f"There is no library {name} here: a script has only libraries that a source imports by name."
            raise ModuleNotFoundError(message, name=fullname)
        spec = self._spec(fullname, origin=file_of(name))
        spec.has_location = True
        return spec

    def _spec(self, fullname: str, **terms: Any) -> ModuleSpec:
        # Not a subclass of the standard library's: `importlib.abc` would take each new zygote 20 ms.
        return ModuleSpec(fullname, self, **terms)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Python makes an ordinary module."""

    def exec_module(self, module: ModuleType) -> None:
        """Execute the library in its new module. Python forgets the module if that raises."""
        if (code := self.get_code(module.__name__)) is not None:
            exec(code, module.__dict__)  # noqa: S102  this is what the process is for

    def get_code(self, fullname: str) -> CodeType | None:
        source = self.get_source(fullname)
        return None if source is None else _compile(_name(fullname), source)

    def get_source(self, fullname: str) -> str | None:
        """The source of a library; None for the package."""
        return self._sources.get(_name(fullname))

    def is_package(self, fullname: str) -> bool:
        return fullname == LIBRARY_PACKAGE


def _name(module: str) -> str:
    return module.partition(".")[2]

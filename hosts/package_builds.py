"""Builds on this node: what requirements resolve to, and the environment with the packages of a lock."""

import errno
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from foundation import linux
from hosts import installed_modules, linux_markers, python_versions, uv_commands
from hosts.build_errors import BuildError, NoSpaceError, SpoiledCacheError, disk_full, explained
from hosts.build_limits import BuildLimits
from hosts.build_log import BuildLog, masks_of
from hosts.build_places import BuildPlace, prepared
from hosts.build_process import EXIT_NOT_STARTED, BuildOrder
from hosts.confined_program import ConfinedProgram
from hosts.environments import EnvironmentStore, Marker
from hosts.file_trees import UnusualFileError, bytes_of
from hosts.jobs import OnLine
from hosts.landlock import ReachablePaths

__all__ = ["BuildError", "BuildOptions", "InstalledEnvironment", "NoSpaceError", "PackageBuilder"]

MOST_BYTES = 1024**3
"""How much an environment may take."""

T = TypeVar("T")

_WAIT_SECONDS = 0.2
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True)
class BuildOptions:
    """How this node builds: with packages from an index, whose address may hold a password, or with local wheels.

    `paths` is what scripts can reach. Builds run as `user`, or as the worker does if that is empty.
    """

    paths: ReachablePaths
    index_url: str = field(default="", repr=False)
    wheelhouse: Path | None = None
    timeout_seconds: float = 300.0
    user: str = ""
    most_bytes: int = MOST_BYTES
    most_total_bytes: int = 10_000 * 1024**2


@dataclass(frozen=True)
class InstalledEnvironment:
    """A complete environment. `modules` are the dotted names that scripts can import."""

    path: Path
    size_bytes: int
    modules: Sequence[str]
    warnings: Sequence[str]


class PackageBuilder:
    """Builds into `store`. Safe for threads, and for several nodes with one store.

    What uv says goes to `on_line`, without the secrets of the index, 64 KB for each build at most.
    """

    def __init__(self, store: EnvironmentStore, options: BuildOptions) -> None:
        self._store, self._options = store, options
        self._stopped = threading.Event()
        self._masks = masks_of(uv_commands.secret_urls(options.index_url, os.environ))

    def resolve(self, requires_python: str, dependencies: Sequence[str], on_line: OnLine) -> str:
        """The lock of requirements as requirements with hashes, for Linux on all processors. Raises BuildError."""
        lowest = python_versions.lowest(requires_python)
        if not dependencies:
            return ""
        return self._with_room(lambda: self._resolved(lowest, dependencies, on_line))

    def _resolved(self, lowest: str, dependencies: Sequence[str], on_line: OnLine) -> str:
        with self._place(f"resolve-{secrets.token_hex(8)}") as place:
            project = uv_commands.configure(place.home)
            arguments = uv_commands.compile_arguments(lowest, project, place.cache, self._options.wheelhouse)
            lock = self._uv(place, arguments, "\n".join(dependencies) + "\n", on_line).decode()
            return linux_markers.unmarked(lock)

    def install(self, digest: str, requires_python: str, text: str, on_line: OnLine) -> InstalledEnvironment:
        """The environment of a lock, which is built unless it is there. Raises BuildError."""
        python_versions.require_this(requires_python)
        return self._with_room(lambda: self._installed(digest, text, on_line))

    def _installed(self, digest: str, text: str, on_line: OnLine) -> InstalledEnvironment:
        path = self._store.path(digest)
        with self._place(path.name) as place:
            if found := self._found(digest):
                return found
            arguments = uv_commands.install_arguments(place.target, place.cache, self._options.wheelhouse)
            if text.strip():
                self._uv(place, arguments, text, on_line)
            marker = self._completed(digest, place, on_line)
            return InstalledEnvironment(path, marker.size_bytes, marker.modules, marker.warnings)

    def _with_room(self, build: Callable[[], T]) -> T:
        """What `build` returns. If it lacks space or the cache is spoiled, that goes, and `build` is called again."""
        had_cache = bytes_of(self._store.cache_dir) > 0
        try:
            return build()
        except (NoSpaceError, SpoiledCacheError) as error:
            # The size of a spoiled cache cannot be told.
            may_help = error.is_of_node and (had_cache or isinstance(error, SpoiledCacheError))
            if not (self._store.clear_cache() and may_help):
                raise
        return build()

    def stop(self) -> None:
        """End what is being built, and refuse to build more."""
        self._stopped.set()

    def _found(self, digest: str) -> InstalledEnvironment | None:
        """An environment that is there; what is damaged is removed."""
        path = self._store.path(digest)
        if marker := Marker.read(path):
            return InstalledEnvironment(path, marker.size_bytes, marker.modules, marker.warnings)
        self._store.discard(path)
        return None

    def _completed(self, digest: str, place: BuildPlace, on_line: OnLine) -> Marker:
        """Check what was installed, and give it the name by which it is found."""
        environment = place.sealed()
        try:
            warnings = installed_modules.check(environment)
        except installed_modules.ReservedModuleError as error:
            raise BuildError(str(error)) from error
        for warning in warnings:
            on_line(f"warning: {warning}")
        modules = installed_modules.public_modules(environment)
        marker = Marker(digest, bytes_of(environment), modules, warnings)
        linux.sync_file_system(environment)
        marker.write(environment)
        environment.rename(self._store.path(digest))
        return marker

    @contextmanager
    def _place(self, name: str) -> Iterator[BuildPlace]:
        """Where to build, as soon as no other node or thread builds the same. Raises BuildError."""
        try:
            with self._holding(name), prepared(self._store, name, self._options.user) as place:
                yield place
        except OSError as error:
            if error.errno in _FULL:
                raise disk_full() from error
            raise BuildError(f"This node cannot build: {error.strerror or error}.", is_of_node=True) from error
        except BuildError:
            self._store.clean_cache()
            raise
        except UnusualFileError as error:
            raise BuildError(f"The packages contain {error}, which is not an ordinary file.") from error

    @contextmanager
    def _holding(self, name: str) -> Iterator[None]:
        while not self._stopped.is_set():
            with self._store.locks.holding(name) as is_mine:
                if is_mine:
                    yield
                    return
            self._stopped.wait(_WAIT_SECONDS)
        raise BuildError("The node is stopping.", is_of_node=True)

    def _uv(self, place: BuildPlace, arguments: Sequence[str], text: str, on_line: OnLine) -> bytes:
        """The output of uv, confined, with this standard input. Raises BuildError."""
        options, log = self._options, BuildLog(on_line, self._masks)
        limits = self._limits(place)
        variables = uv_commands.variables(place.home, options.index_url, os.environ)
        program = ConfinedProgram(self._order(place, arguments), variables, text)
        status, output = program.attend(log.write, limits.check)
        log.end()
        if status == EXIT_NOT_STARTED:
            raise BuildError(f"This node cannot build: {log.said}", is_of_node=True)
        if status:
            raise explained(log.said, status, options.most_bytes)
        limits.check_space()
        return output

    def _limits(self, place: BuildPlace) -> BuildLimits:
        options = self._options
        taken = self._store.size_bytes()
        return BuildLimits(
            seconds=options.timeout_seconds,
            most_bytes=options.most_bytes,
            room_bytes=options.most_total_bytes - taken,
            own=place.work,
            shared=place.cache,
            stopped=self._stopped,
        )

    def _order(self, place: BuildPlace, arguments: Sequence[str]) -> BuildOrder:
        options, uv = self._options, uv_commands.program()
        if options.wheelhouse and not options.wheelhouse.is_dir():
            text = "The directory of wheels (UDAPI_WHEELHOUSE) is missing on this node."
            raise BuildError(text, is_of_node=True)
        wheelhouse = [str(options.wheelhouse)] if options.wheelhouse else []
        return BuildOrder(
            program=[str(uv), *arguments],
            directory=str(place.work),
            readable=[*options.paths.readable, str(uv), *wheelhouse, *uv_commands.certificates(os.environ)],
            writable=[str(place.cache), os.devnull],
            user=options.user,
            most_bytes=options.most_bytes,
            worker=os.getpid(),
        )

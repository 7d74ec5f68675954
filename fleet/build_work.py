"""What a node does for builds, one thing at a time: it resolves requirements, or installs a lock."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from automation import locks, requirements
from automation.requirements import Requirements
from hosts.package_builds import BuildError, InstalledEnvironment, NoSpaceError, PackageBuilder


@dataclass(frozen=True)
class Resolving:
    """Requirements that one node resolves for all. `since` tells a build that is tried again from its first try."""

    build_id: int
    since: datetime
    needed: Requirements


@dataclass(frozen=True)
class Installing:
    """A lock whose environment this node lacks."""

    lock_id: int
    digest: str


Need = Resolving | Installing


def in_turn(
    needs: Iterable[Need], resolve_at: Mapping[Resolving, float], install_at: Mapping[int, float]
) -> list[Need]:
    """In which order to meet needs: as they come, but last what has failed, longest ago first.

    Otherwise those that fail again and again, such as without an index, would be all that a node ever does.
    """

    def failed(need: Need) -> float:
        return resolve_at.get(need, 0.0) if isinstance(need, Resolving) else install_at.get(need.lock_id, 0.0)

    return sorted(needs, key=failed)


class BuildWork:
    """A need that a thread of its own meets, without the database. `result` or `error` says how it has ended."""

    def __init__(self, need: Need, packages: PackageBuilder, on_end: Callable[[], None]) -> None:
        self.need, self._packages, self._on_end = need, packages, on_end
        self.result: str | InstalledEnvironment | None = None
        self.error: BuildError | None = None
        self.is_unwanted = False
        self._lines: deque[str] = deque()
        self._thread: threading.Thread | None = None

    @property
    def goes_on(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    @property
    def lacked_space(self) -> bool:
        """Whether it could succeed with more space on this node."""
        return isinstance(self.error, NoSpaceError) and self.error.is_of_node

    def resolve(self, needed: Requirements) -> None:
        """Begin to resolve; `result` will be the text of the lock."""
        self._begin(lambda: self._resolved(needed))

    def install(self, digest: str, requires_python: str, text: str) -> None:
        """Begin to install the lock of this digest; `result` will be its environment."""
        self._begin(lambda: self._installed(digest, requires_python, text))

    def stop(self) -> None:
        """End it; it fails soon afterwards."""
        self._packages.stop()

    def give_up(self) -> None:
        """End it, because nothing needs it any more: how it ends does not matter."""
        self.is_unwanted = True
        self.stop()

    def new_lines(self) -> list[str]:
        """What it has printed, but for lines that were `stored`."""
        return list(self._lines)

    def stored(self, lines: Sequence[str]) -> None:
        """The first ones of its new lines are in the database."""
        for _ in lines:
            self._lines.popleft()

    def _begin(self, step: Callable[[], str | InstalledEnvironment]) -> None:
        self._thread = threading.Thread(target=self._run, args=(step,), name="build", daemon=True)
        self._thread.start()

    def _run(self, step: Callable[[], str | InstalledEnvironment]) -> None:
        try:
            self.result = step()
        except BuildError as error:
            self.error = error
        except locks.LockError as error:
            self.error = BuildError(error.message)
        finally:
            if self.result is None and self.error is None:
                self.error = BuildError("The node failed; its log says why.", is_of_node=True)
            self._on_end()

    def _resolved(self, needed: Requirements) -> str:
        text = self._packages.resolve(needed.requires_python, needed.dependencies, self._lines.append)
        locks.refuse_names(locks.parse(text), requirements.allowed_names())
        return text

    def _installed(self, digest: str, requires_python: str, text: str) -> InstalledEnvironment:
        # The names that are allowed may have changed since it was resolved.
        locks.refuse_names(locks.parse(text), requirements.allowed_names())
        return self._packages.install(digest, requires_python, text, self._lines.append)

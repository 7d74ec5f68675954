"""Finds the files and directories that the scripts of this machine can reach."""

import glob
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from hosts.landlock import ReachablePaths

PROJECT = Path(__file__).resolve().parent.parent
_SDK = PROJECT / "automation" / "sdk"

_NAME_SERVICES = ("hosts", "resolv.conf", "nsswitch.conf", "passwd", "group")
_ETC = ("ld.so.cache", *_NAME_SERVICES, "localtime", "mime.types", "ssl/certs")
# All of /proc: with its parent's `/proc/self` alone, a subprocess fails. Landlock protects the memory and environment
# of other processes there, once the capabilities that bypass it are dropped.
_SYSTEM = ("/usr", *sorted(glob.glob("/lib*")), "/bin", "/proc", *(f"/etc/{name}" for name in _ETC))
_DEVICES = ("/dev/null", "/dev/shm")  # noqa: S108  where Python's multiprocessing shares memory


def reachable_paths(
    readable: Iterable[Path] = (), writable: Iterable[Path] = (), closed: Iterable[Path] = (), state: Path | None = None
) -> ReachablePaths:
    """What every script can reach: this Python, the SDK, the system's libraries, and the paths given.

    The checkout and the `closed` paths are left out even where a directory above them is reachable. A given path that
    lies inside one of them is reachable.
    """
    barred = [PROJECT, *(path.resolve() for path in closed)]
    automatic = (*map(Path, _SYSTEM), *_python(), _SDK)
    kept = (*map(Path, _DEVICES), *((state,) if state else ()))
    return ReachablePaths(
        tuple(_without(barred, (*automatic, *readable))),
        tuple(_without(barred, (*kept, *writable))),
    )


def _python() -> Iterator[Path]:
    yield from map(Path, (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix))
    yield Path(sys.executable).resolve().parent
    yield from (Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))
    yield from map(Path, site.getsitepackages())
    # Debian links it to a file in /etc.
    yield Path(sysconfig.get_path("stdlib"), "sitecustomize.py")


def _without(barred: list[Path], paths: Iterable[Path]) -> Iterator[str]:
    """The paths without the `barred` ones, and without those that lie in another path of the result."""
    found: dict[Path, str] = {}
    for path in paths:
        for part in _around(barred, path):
            found.setdefault(part.resolve(), str(part))
    return (name for target, name in found.items() if not any(parent in found for parent in target.parents))


def _around(barred: list[Path], path: Path) -> Iterator[Path]:
    """`path`, or its entries beside the barred paths: Landlock can only add paths, not exclude any."""
    target = path.resolve()
    if target in barred or target == Path("/"):
        return
    if not any(target in each.parents for each in barred):
        yield path
        return
    for inner in _entries(target):
        # The target of a link is reachable if it lies in one of the paths itself.
        if not inner.is_symlink():
            yield from _around(barred, inner)


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []

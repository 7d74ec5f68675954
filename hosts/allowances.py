"""The files and directories that the scripts of this machine can reach."""

import glob
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from hosts.reach import Reach

PROJECT = Path(__file__).resolve().parent.parent
_SDK = PROJECT / "automation" / "sdk"

_ETC = (
    "ld.so.cache",
    "hosts",
    "resolv.conf",
    "nsswitch.conf",
    "passwd",
    "group",
    "localtime",
    "mime.types",
    "ssl/certs",
)
# All of /proc: with its parent's `/proc/self` alone a subprocess fails. Landlock protects the memory and environment
# of other processes there, once the capabilities that get round it are dropped.
_SYSTEM = ("/usr", *sorted(glob.glob("/lib*")), "/bin", "/proc", *(f"/etc/{name}" for name in _ETC))
_DEVICES = ("/dev/null", "/dev/shm")  # noqa: S108  where Python's multiprocessing shares memory


def of_hosts(
    readable: Iterable[Path] = (), writable: Iterable[Path] = (), closed: Iterable[Path] = (), state: Path | None = None
) -> Reach:
    """The reach of every script: what this Python consists of, the SDK, the system's libraries, and what is given.

    The checkout and what is `closed` are left out, even where they lie in a directory that is readable or writable. A
    path that is given, and lies in one of them, is reachable.
    """
    barred = [PROJECT, *(path.resolve() for path in closed)]
    automatic = (*map(Path, _SYSTEM), *_python(), _SDK)
    kept = (*map(Path, _DEVICES), *((state,) if state else ()))
    return Reach(
        tuple(_without(barred, (*automatic, *readable))),
        tuple(_without(barred, (*kept, *writable))),
    )


def _python() -> Iterator[Path]:
    yield from map(Path, (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix))
    yield Path(sys.executable).resolve().parent
    yield from (Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))
    yield from map(Path, site.getsitepackages())
    # Debian's is a link into /etc.
    yield Path(sysconfig.get_path("stdlib"), "sitecustomize.py")


def _without(barred: list[Path], paths: Iterable[Path]) -> Iterator[str]:
    """The paths but for what is `barred`, and for those that lie in another one."""
    found: dict[Path, str] = {}
    for path in paths:
        for part in _around(barred, path):
            found.setdefault(part.resolve(), str(part))
    return (name for place, name in found.items() if not any(parent in found for parent in place.parents))


def _around(barred: list[Path], path: Path) -> Iterator[Path]:
    """`path`, or what lies in it beside the barred paths: the kernel's rules only add."""
    place = path.resolve()
    if place in barred or place == Path("/"):
        return
    if not any(place in each.parents for each in barred):
        yield path
        return
    for inner in _entries(place):
        # What a link leads to is reachable if it lies in one of the paths itself.
        if not inner.is_symlink():
            yield from _around(barred, inner)


def _entries(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []

"""The environment that every run finds, whatever the run before has changed: variables, signals, streams, limits."""

import builtins
import faulthandler
import json
import json.decoder
import json.encoder
import json.scanner
import locale
import os
import resource
import signal
import sys
import tempfile
import threading
import time
import types
import warnings
from _signal import getsignal  # type: ignore[import-not-found]  # typeshed does not know it
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import BufferedReader, BufferedWriter, FileIO, TextIOWrapper

from foundation import linux
from hosts.jobs import STATE_DIRECTORY, TRACEPARENT, TRACESTATE
from hosts.leftovers import Leftover

SCRIPT_DESCRIPTORS = range(5)
"""Standard input, output and error output, the job socket, and the crash report."""
REPORT_DESCRIPTOR = 4

_SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
_ROOM_BYTES = 32 * 1024 * 1024
_UNCATCHABLE = {signal.SIGKILL, signal.SIGSTOP}
# Of `faulthandler`, which writes the crash report.
_FATAL = {signal.SIGSEGV, signal.SIGFPE, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, linux.REPORT_SIGNAL}
_USUAL_HANDLERS: dict[int, Callable[[int, types.FrameType | None], object] | signal.Handlers] = {
    **dict.fromkeys(signal.valid_signals() - _UNCATCHABLE - _FATAL, signal.SIG_DFL),
    signal.SIGINT: signal.default_int_handler,
    signal.SIGPIPE: signal.SIG_IGN,
    signal.SIGXFSZ: signal.SIG_IGN,
}
_LIMITS = range(16)  # all that Linux has
_ALARM_CLOCKS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)


class _Direct(BufferedWriter):
    """Writes at once, so that what was printed is not lost when the process is killed."""

    def write(self, data: object) -> int:
        written = super().write(data)  # type: ignore[arg-type]  # TextIOWrapper gives bytes
        self.flush()
        return written


def _writer(descriptor: int) -> TextIOWrapper:
    """A standard stream that takes any text and writes it at once."""
    raw = _Direct(FileIO(descriptor, "w", closefd=False))
    return TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)


def _reader(descriptor: int) -> TextIOWrapper:
    return TextIOWrapper(BufferedReader(FileIO(descriptor, closefd=False)), "utf-8", "backslashreplace")


def default_signals() -> None:
    """Handle signals as a new Python process does, and unblock all."""
    for number, usual in _USUAL_HANDLERS.items():
        # The C function: for sixty signals, `signal.getsignal` takes a hundred times as long.
        if getsignal(number) != usual:
            signal.signal(number, usual)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


class GuardedModules:
    """The modules that the host itself relies on, as they were before a script could patch them."""

    def __init__(self) -> None:
        relied_on = (builtins, os, json, json.decoder, json.encoder, json.scanner, signal, time)
        self._kept = [(module.__dict__, module.__dict__.copy()) for module in relied_on]
        self._recursion_limit = sys.getrecursionlimit()
        self._calls = sys.setrecursionlimit, sys.settrace, sys.setprofile
        self.were_patched = False

    def restore(self) -> None:
        """Undo all patches. Must not call any function by a name that a script can patch."""
        set_recursion_limit, set_trace, set_profile = self._calls
        set_recursion_limit(self._recursion_limit)
        set_trace(None)
        set_profile(None)
        for present, kept in self._kept:
            found = present.copy()
            present.update(kept)
            if found != present:
                self.were_patched = True


class RunEnvironment:
    """The environment of one host's runs; created once, right after the fork."""

    def __init__(self, memory_limit_mb: int) -> None:
        _limit_memory(memory_limit_mb)
        self._environment = os.environ
        self._state = {name: value for name, value in os.environ.items() if name == STATE_DIRECTORY}
        self._zone = "UTC"
        self._locale = locale.setlocale(locale.LC_ALL)
        self._filters = list(warnings.filters)
        self._streams = _reader(0), _writer(1), _writer(2)
        self.output = self._streams[1]
        self._limits = _limits()
        self._files = [_file(descriptor) for descriptor in SCRIPT_DESCRIPTORS]
        self.modules = GuardedModules()

    def enter(self, scratch: str, traceparent: str = "", tracestate: str = "") -> None:
        """Restore everything as the first run found it, with `scratch` as working directory. Raises OSError.

        The run finds its place in a trace in the variables that other programs read.
        """
        linux.die_with_parent()
        linux.adopt_orphans()
        self._set_environment(scratch, {TRACEPARENT: traceparent, TRACESTATE: tracestate})
        os.chdir(scratch)
        os.umask(0o077)
        self._set_signals()
        self._set_streams()
        if locale.setlocale(locale.LC_ALL) != self._locale:
            locale.setlocale(locale.LC_ALL, self._locale)
        if warnings.filters != self._filters:
            warnings.resetwarnings()
            warnings.filters.extend(self._filters)  # type: ignore[attr-defined]  # it is a list
        sys.argv[:] = [""]

    def leave(self) -> Leftover:
        """Clean up after a run, without waiting; returns what the next run would not find as this one did."""
        for stream in self._streams:
            with suppress(OSError, ValueError):  # the script may have closed it
                stream.flush()
        os.chdir("/")
        _reap()
        return self._leftover()

    def make_room(self) -> None:
        """Raise the memory limit a little: the script has used it up, and its failure still has to be reported."""
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))

    def _set_environment(self, scratch: str, trace: Mapping[str, str]) -> None:
        linux.clear_environment()
        wanted = {"PATH": _SEARCH_PATH, "LANG": "C.UTF-8", "TZ": self._zone, "HOME": scratch, "TMPDIR": scratch}
        # A package for numbers starts a thread for each processor when it is imported, which ends the warm process.
        wanted |= {"OMP_NUM_THREADS": "1"} | self._state
        wanted |= {name: value for name, value in trace.items() if value}
        for name in [name for name in self._environment if name not in wanted]:
            del self._environment[name]
        self._environment.update(wanted)
        time.tzset()
        tempfile.tempdir = None

    def _set_signals(self) -> None:
        for clock in _ALARM_CLOCKS:
            signal.setitimer(clock, 0)
        default_signals()
        faulthandler.enable(REPORT_DESCRIPTOR)
        faulthandler.register(linux.REPORT_SIGNAL, REPORT_DESCRIPTOR)

    def _set_streams(self) -> None:
        sys.stdin, sys.stdout, sys.stderr = self._streams
        sys.__stdin__, sys.__stdout__, sys.__stderr__ = self._streams  # type: ignore[misc]

    def _leftover(self) -> Leftover:
        if self.modules.were_patched:
            return Leftover.PATCH
        if self._limits != _limits():
            return Leftover.LIMIT
        if not self._has_its_streams():
            return Leftover.STREAM
        # The descriptor of the listing itself is among them.
        if len(os.listdir("/proc/self/fd")) - 1 != len(self._files):
            return Leftover.FILE
        return Leftover.NONE if _is_single() else Leftover.THREAD

    def _has_its_streams(self) -> bool:
        is_open = not any(stream.closed for stream in self._streams)
        return is_open and [_file(number) for number in SCRIPT_DESCRIPTORS] == self._files


def _limit_memory(memory_limit_mb: int) -> None:
    """Limit the private writable memory of each process of the script, touched or not, and rule out core dumps."""
    most = memory_limit_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (most, most + _ROOM_BYTES))


def _limits() -> list[object]:
    """The limits, the priority and the processors of this process."""
    granted = [resource.getrlimit(number) for number in _LIMITS]
    return [*granted, os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0)]


def _file(descriptor: int) -> tuple[int, int, bool] | None:
    """Which file a descriptor is, and whether it blocks; None if it is closed."""
    try:
        found = os.fstat(descriptor)
        return found.st_dev, found.st_ino, os.get_blocking(descriptor)
    except OSError:
        return None


def _reap() -> None:
    """Reap children that have ended; the worker looks for those that have not."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue


def _is_single() -> bool:
    """Whether only this thread is left. One that was just joined may take a moment to end."""
    for _ in range(20):
        if len(os.listdir("/proc/self/task")) == 1:
            return True
        if threading.active_count() > 1:
            return False
        time.sleep(0.001)
    return False

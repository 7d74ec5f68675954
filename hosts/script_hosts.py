"""The worker's side of script hosts: the only module of this package that most of the product needs."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from hosts import scratch
from hosts.channels import open_channels
from hosts.environments import EnvironmentStore, FoundEnvironment
from hosts.jobs import Assignment, HostResult, OnLine, OnSaid, OnSubscript, Outcome, Script
from hosts.landlock import ReachablePaths
from hosts.reachable_paths import reachable_paths
from hosts.run import CANCELLED, AttendedRun
from hosts.run_loop import RunLoop
from hosts.warm import Host, WarmHosts
from hosts.zygote_process import ZygoteProcess

# A job is tried again if its host was killed at rest, or if a zygote died or did nothing, before the script had begun.
_ATTEMPTS = 3
_UPKEEP_SECONDS = 1.0
# Programs that clean the system's directory for temporary files remove what was not used for a day or more.
_TOUCH_SECONDS = 3_600.0
_MOST_IDLE = 32
_MOST_IDLE_BYTES = min(1024**3, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4)


class NoHostError(Exception):
    """A run cannot have a process; the text says why."""

    def result(self) -> HostResult:
        """How the run ends because of that."""
        return HostResult(Outcome.COULD_NOT_START, f"No process could be started for the script: {self}.")


class NoPackagesError(NoHostError):
    """The environment of a script is not there."""

    def result(self) -> HostResult:
        return HostResult(Outcome.COULD_NOT_START, str(self))


class EndedByPackagesError(NoHostError):
    """What packages execute at the start of a process has ended it. That is up to the script, not to the machine."""

    def result(self) -> HostResult:
        return HostResult(Outcome.DIED, str(self))


class ScriptHosts:
    """Runs scripts in processes that each serve one version of one script, one run at a time.

    Safe for any number of threads. The directory for scratch directories is made in `scratch_parent`, by default the
    system's directory for temporary files. Scripts run as `user`, or as the caller if that is empty. `state_dir` is
    where they may keep files between runs; it must be among the `paths` that they can reach. `environments` holds the
    packages of the scripts that declare some.
    """

    def __init__(
        self,
        scratch_parent: Path | None = None,
        user: str = "",
        state_dir: Path | None = None,
        paths: ReachablePaths | None = None,
        environments: EnvironmentStore | None = None,
    ) -> None:
        self._scratch_parent, self._user, self._state_dir = scratch_parent, user, state_dir
        self._paths = paths or reachable_paths(state=state_dir)
        self._environments = environments
        self._scratch_base: Path | None = None
        self._zygote: ZygoteProcess | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.warm = WarmHosts(_MOST_IDLE, _MOST_IDLE_BYTES)

    def start(self) -> None:
        """Start the zygote. Raises OSError if that or making the directory for scratch directories fails."""
        with self._lock:
            self._scratch_base = base = scratch.make_base(self._scratch_parent, self._user)
            try:
                self._living_zygote()
            except OSError:
                scratch.remove(base)
                raise
        threading.Thread(target=self._keep_up, name="script-hosts", daemon=True).start()

    def stop(self) -> None:
        """End every run and the zygote; later runs could not start. Returns when all processes are gone."""
        self._stopped.set()
        self.warm.close()
        with self._lock:
            zygote, self._zygote = self._zygote, None
            base, self._scratch_base = self._scratch_base, None
        if zygote:
            zygote.stop()
        if base:
            scratch.remove(base)

    def run(
        self,
        assignment: Assignment,
        on_line: OnLine,
        on_subscript: OnSubscript,
        loop: RunLoop | None = None,
        on_said: OnSaid = lambda _text: None,
    ) -> HostResult:
        """Carry out `assignment` and return how the run ended; blocks for its time limit and a moment at most.

        `on_said` gets the texts of information events. The callbacks are called in this thread. For a subscript that is
        waited for, `loop` is what its caller's `on_subscript` got. Raises only what the callbacks raise.
        """
        loop = loop or RunLoop()
        new_run = partial(AttendedRun, assignment, time.monotonic(), on_line, on_subscript, on_said, loop)
        loop.begin(assignment.run_id)
        try:
            for _ in range(_ATTEMPTS):
                if result := self._attend(new_run, assignment.script):
                    return result
            raise NoHostError("each one, or the process that starts them, ended too early")
        except NoHostError as error:
            return CANCELLED if loop.settle(assignment.run_id) else error.result()
        except BaseException:
            loop.settle(assignment.run_id)
            raise

    def lacks_packages(self, script: Script) -> bool:
        """Whether the environment of `script` is not on this machine."""
        return bool(script.environment) and (
            self._environments is None or not self._environments.find(script.environment)
        )

    def _attend(self, new_run: Callable[[Host, str], AttendedRun], script: Script) -> HostResult | None:
        """The result of a run on a host, a new one if none is warm; None if the script has not begun."""
        environment = self._environment_of(script)
        warm = self._warm_host(script, environment)
        host = warm or self._new_host(script, environment)
        try:
            directory = self._scratch_of(host)
        except OSError as error:
            if not warm:
                raise NoHostError(f"no scratch directory: {error.strerror}") from error
            # Its directory is gone, and perhaps those of the others; a new host makes its own.
            self.warm.renew()
            return None
        run = new_run(host, directory)
        result = run.attend()
        if result is None and not host.pid:
            self._discard(host.zygote)
        elif result is None and environment and not warm:
            raise EndedByPackagesError("The process ended before the script began: its packages execute code at start.")
        elif result and run.leaves_at_rest:
            host.remove_used_scratch()
            if reason := self.warm.put(host):
                return replace(result, not_kept_warm=reason)
        return result

    def _scratch_of(self, host: Host) -> str:
        """An empty directory for the next run of `host`, which is closed if there is none. Raises OSError."""
        host.remove_used_scratch()
        if host.scratch is None:
            try:
                host.scratch = scratch.make(host.directory, self._user)
            except BaseException:
                host.close()
                raise
        return host.scratch.path

    def _warm_host(self, script: Script, environment: FoundEnvironment | None) -> Host | None:
        """A host at rest. One whose packages have been built anew since, or removed, is closed."""
        while script.reuse and (host := self.warm.take(script)):
            if host.environment == environment:
                return host
            host.close()
        return None

    def _new_host(self, script: Script, environment: FoundEnvironment | None) -> Host:
        """A host whose process the zygote is about to start."""
        packages = str(environment.path) if environment else ""
        directory = self._new_directory()
        try:
            with open_channels() as (mine, far), self._lock:
                zygote = self._living_zygote()
                try:
                    zygote.request(script.memory_limit_mb, directory, packages, far)
                except ConnectionError:
                    zygote = self._living_zygote(replace=True)
                    zygote.request(script.memory_limit_mb, directory, packages, far)
        except (OSError, NoHostError) as error:
            scratch.remove(directory)
            raise NoHostError(str(error)) from error
        return Host(script, mine, directory, zygote, environment=environment)

    def _environment_of(self, script: Script) -> FoundEnvironment | None:
        """The packages of a script, which are in use from now on; None if it declares none."""
        if not script.environment:
            return None
        with suppress(OSError):
            if self._environments and (found := self._environments.look_up(script.environment)):
                self._environments.used(script.environment)
                return found
        raise NoPackagesError(f"The packages of {script.name} are not on this node.")

    def _new_directory(self) -> str:
        base = self._scratch_base
        if base is None:
            raise NoHostError("the script hosts are not running")
        try:
            return scratch.make_for_host(base, self._user)
        except OSError as error:
            raise NoHostError(f"no scratch directory: {error.strerror}") from error

    def _living_zygote(self, *, replace: bool = False) -> ZygoteProcess:
        """The zygote, a new one if the old one has died or is to be replaced. The lock must be held. Raises OSError."""
        if self._zygote and (replace or not self._zygote.alive()):
            self._zygote.stop()
            self._zygote = None
        if self._scratch_base is None:
            raise NoHostError("the script hosts are not running")
        if not self._zygote:
            self._zygote = ZygoteProcess(self._scratch_base, self._user, self._state_dir, self._paths)
        return self._zygote

    def _discard(self, zygote: ZygoteProcess | None) -> None:
        """End a zygote that started no process in time, or has died."""
        with self._lock:
            if zygote and self._zygote is zygote:
                self._zygote = None
                zygote.stop()

    def _keep_up(self) -> None:
        """Once a second, end hosts that have rested too long, and let a stopped zygote continue."""
        touched_at = time.monotonic()
        reached = self._paths.inodes()
        while not self._stopped.wait(_UPKEEP_SECONDS):
            if reached != (reached := self._paths.inodes()):
                # A warm host still reaches the files that the paths named when it started, such as an old resolv.conf.
                self.warm.renew()
            self.warm.tidy()
            with self._lock:
                if self._zygote:
                    self._zygote.wake()
                if self._scratch_base and time.monotonic() - touched_at >= _TOUCH_SECONDS:
                    touched_at = time.monotonic()
                    scratch.touch(self._scratch_base)

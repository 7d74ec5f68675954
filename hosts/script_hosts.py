"""The worker's side of the script hosts, and the only module of this package that the rest of the house needs."""

import os
import threading
import time
from pathlib import Path

from hosts import allowances, scratch
from hosts.channels import open_channels
from hosts.jobs import Assignment, HostResult, OnLine, OnSubscript, Outcome, Script
from hosts.reach import Reach
from hosts.run import Run
from hosts.scratch import Scratch
from hosts.warm import Host, HostKey, WarmHosts
from hosts.watch import Watch
from hosts.zygote_process import ZygoteProcess

# Once more if a process was killed at rest, or a zygote died or did nothing, before the script had begun.
_ATTEMPTS = 3
_TIDY_SECONDS = 1.0
# Whoever cleans up in the system's directory for temporary files takes what was not used for a day or more.
_TOUCH_SECONDS = 3_600.0
_MOST_IDLE = 32
_MOST_IDLE_BYTES = min(1024**3, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4)


class HandOverError(Exception):
    """No process can be had for a run; the text says why."""


class ScriptHosts:
    """Runs scripts in processes that each serve one version of one script, one run at a time.

    Safe for any number of threads. `scratch_parent` is where the directory for scratch directories is made; the
    system's directory for temporary files unless given. Scripts run as `user`, or as the caller if that is empty.
    `state_dir` is where they may keep what outlives a run; it must be within their `reach`.
    """

    def __init__(
        self,
        scratch_parent: Path | None = None,
        user: str = "",
        state_dir: Path | None = None,
        reach: Reach | None = None,
    ) -> None:
        self._scratch_parent, self._user, self._state_dir = scratch_parent, user, state_dir
        self._reach = reach or allowances.of_hosts(state=state_dir)
        self._scratch_base: Path | None = None
        self._zygote: ZygoteProcess | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.warm = WarmHosts(_MOST_IDLE, _MOST_IDLE_BYTES)

    def start(self) -> None:
        """Start the zygote. Raises OSError when it or the scratch directory cannot be made."""
        with self._lock:
            self._scratch_base = base = scratch.make_base(self._scratch_parent, self._user)
            try:
                self._living_zygote()
            except OSError:
                scratch.remove(base)
                raise
        threading.Thread(target=self._look_after, name="script-hosts", daemon=True).start()

    def stop(self) -> None:
        """End every run and the zygote; what is run afterwards could not start. Returns when all is gone."""
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
        self, assignment: Assignment, on_line: OnLine, on_subscript: OnSubscript, watch: Watch | None = None
    ) -> HostResult:
        """Carry out `assignment` and say how the run ended; blocks for its time limit and a moment at most.

        The callbacks are called in this thread. `watch` is what `on_subscript` got when this is a subscript that is
        waited for. Raises nothing but what the callbacks raise.
        """
        begun_at = time.monotonic()
        mine = watch or Watch()
        try:
            for _ in range(_ATTEMPTS):
                run = Run(assignment, begun_at, on_line, on_subscript, mine)
                if result := self._attend(run, assignment.script):
                    return result
            raise HandOverError("each one, or the process that starts them, ended too early")
        except HandOverError as error:
            return HostResult(Outcome.COULD_NOT_START, f"No process could be started for the script: {error}.")

    def _attend(self, run: Run, script: Script) -> HostResult | None:
        """The result of `run` on a host, a new one if none is warm; None if that never started."""
        key = HostKey.of(script)
        warm = self.warm.take(key) if script.reuse else None
        host = warm or self._new_host(key)
        try:
            directory = self._scratch_of(host)
        except HandOverError:
            if not warm:
                raise
            # Its directory is gone, and perhaps those of the others; a new host makes its own.
            self.warm.renew()
            return None
        result = run.attend(host, directory)
        if result is None and not host.pid:
            self._discard(host.zygote)
        elif run.leaves_at_rest:
            self._tidy_scratch(host)
            self.warm.put(host)
        return result

    def _scratch_of(self, host: Host) -> str:
        """An empty directory for the next run of `host`; without one the host is let go."""
        self._tidy_scratch(host)
        if host.scratch is None:
            try:
                host.scratch = self._new_scratch(host)
            except BaseException:
                host.close()
                raise
        return host.scratch.path

    @staticmethod
    def _tidy_scratch(host: Host) -> None:
        if host.scratch and not host.scratch.is_untouched():
            host.remove_scratch()

    def _new_scratch(self, host: Host) -> Scratch:
        try:
            return scratch.make(host.directory, self._user)
        except OSError as error:
            raise HandOverError(f"no scratch directory: {error.strerror}") from error

    def _new_host(self, key: HostKey) -> Host:
        """A host whose process is on its way."""
        directory = self._new_directory()
        try:
            with open_channels() as (mine, far), self._lock:
                zygote = self._living_zygote()
                try:
                    zygote.request(key.memory_limit_mb, directory, far)
                except ConnectionError:
                    zygote = self._living_zygote(replace=True)
                    zygote.request(key.memory_limit_mb, directory, far)
        except (OSError, HandOverError) as error:
            scratch.remove(directory)
            raise HandOverError(str(error)) from error
        return Host(key, mine, directory, zygote)

    def _new_directory(self) -> str:
        base = self._scratch_base
        if base is None:
            raise HandOverError("the script hosts are not running")
        try:
            return scratch.make_for_host(base, self._user)
        except OSError as error:
            raise HandOverError(f"no scratch directory: {error.strerror}") from error

    def _living_zygote(self, *, replace: bool = False) -> ZygoteProcess:
        """The zygote, a new one if the old one has died. Call it with the lock held. Raises OSError."""
        if self._zygote and (replace or not self._zygote.alive()):
            self._zygote.stop()
            self._zygote = None
        if self._scratch_base is None:
            raise HandOverError("the script hosts are not running")
        if not self._zygote:
            self._zygote = ZygoteProcess(self._scratch_base, self._user, self._state_dir, self._reach)
        return self._zygote

    def _discard(self, zygote: ZygoteProcess | None) -> None:
        """This zygote started no process in time, or has died."""
        with self._lock:
            if zygote and self._zygote is zygote:
                self._zygote = None
                zygote.stop()

    def _look_after(self) -> None:
        """Now and then: hosts that wait too long are let go, and a zygote that was stopped goes on."""
        touched_at = time.monotonic()
        reached = self._reach.inodes()
        while not self._stopped.wait(_TIDY_SECONDS):
            if reached != (reached := self._reach.inodes()):
                # A host reaches what was there when it started: the old resolv.conf, say.
                self.warm.renew()
            self.warm.tidy()
            with self._lock:
                if self._zygote:
                    self._zygote.wake()
                if self._scratch_base and time.monotonic() - touched_at >= _TOUCH_SECONDS:
                    touched_at = time.monotonic()
                    scratch.touch(self._scratch_base)

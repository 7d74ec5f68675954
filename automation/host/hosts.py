"""The worker's side of the script hosts, and the only module of this package that the rest of the house needs."""

import tempfile
import threading
import time
from pathlib import Path

from automation.host import scratch
from automation.host.channels import WorkerEnds, open_channels
from automation.host.jobs import HostResult, Job, OnLine, OnSubscript, Outcome
from automation.host.run import Run
from automation.host.watch import Watch
from automation.host.zygote_process import ZygoteProcess

# Once more with a new zygote if the old one died before it had started the process.
_ATTEMPTS = 2


class HandOverError(Exception):
    """No process can be had for a run; the text says why."""


class ScriptHosts:
    """Runs scripts, each in a process of its own that is killed with its process group when the run ends.

    Safe for any number of threads. `scratch_parent` is where the directory for scratch directories is made; the
    system's directory for temporary files unless given. `state_dir` is where scripts may keep what outlives a run.
    """

    def __init__(self, scratch_parent: Path | None = None, state_dir: Path | None = None) -> None:
        self._scratch_parent = scratch_parent
        self._state_dir = state_dir
        self._scratch_base: Path | None = None
        self._zygote: ZygoteProcess | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start the zygote. Raises OSError when it or the scratch directory cannot be made."""
        with self._lock:
            if self._scratch_base is None:
                self._scratch_base = Path(tempfile.mkdtemp(prefix="script-hosts-", dir=self._scratch_parent))
            self._living_zygote()

    def stop(self) -> None:
        """End every run and the zygote; what is run afterwards could not start. Returns when all is gone."""
        with self._lock:
            zygote, self._zygote = self._zygote, None
            base, self._scratch_base = self._scratch_base, None
        if zygote:
            zygote.stop()
        if base:
            scratch.remove(base)

    def run(self, job: Job, on_line: OnLine, on_subscript: OnSubscript, watch: Watch | None = None) -> HostResult:
        """Run `job` to its end and say how it ended; blocks for its time limit and a moment at most.

        The callbacks are called in this thread. `watch` is what `on_subscript` got when this is a subscript that is
        waited for. Raises nothing but what the callbacks raise.
        """
        begun_at = time.monotonic()
        mine = watch or Watch()
        scratch_path = None
        try:
            scratch_path = self._new_scratch()
            for _ in range(_ATTEMPTS):
                ends = self._hand_over(scratch_path)
                if result := Run(job, begun_at, on_line, on_subscript, mine).attend(ends):
                    return result
            raise HandOverError("the process that starts them keeps dying")
        except HandOverError as error:
            return HostResult(Outcome.COULD_NOT_START, f"No process could be started for the script: {error}.")
        finally:
            if scratch_path:
                scratch.remove(scratch_path)
            if not watch:
                mine.close()

    def _new_scratch(self) -> Path:
        base = self._scratch_base
        if base is None:
            raise HandOverError("the script hosts are not running")
        try:
            return scratch.make(base)
        except OSError as error:
            raise HandOverError(f"no scratch directory: {error.strerror}") from error

    def _hand_over(self, scratch_path: Path) -> WorkerEnds:
        """Have a process made for a run; the worker's ends of its channels."""
        try:
            with open_channels() as (mine, far), self._lock:
                try:
                    self._living_zygote().request(scratch_path, far)
                except ConnectionError:
                    self._living_zygote(replace=True).request(scratch_path, far)
        except OSError as error:
            raise HandOverError(str(error)) from error
        return mine

    def _living_zygote(self, *, replace: bool = False) -> ZygoteProcess:
        """The zygote, a new one if the old one has died. Call it with the lock held. Raises OSError."""
        if self._zygote and (replace or not self._zygote.alive()):
            self._zygote.stop()
            self._zygote = None
        if self._scratch_base is None:
            raise HandOverError("the script hosts are not running")
        self._zygote = self._zygote or ZygoteProcess(self._scratch_base, self._state_dir)
        return self._zygote

"""`python -m launcher.supervise CONFIG`: supervisord on a terminal.

It differs from the stock one in three ways: it never gives up on a program; it ends when its terminal hangs up, where
the stock one restarts without a terminal; and it shows what it waits for when it stops.

`python -m launcher.supervise CONFIG text|json` writes no files: the programs write their lines to its own standard
output, and it adds what it has to say, and what comes over their standard error.
"""

import logging
import signal
import sys
from contextlib import suppress
from typing import Any

from supervisor.dispatchers import POutputDispatcher
from supervisor.loggers import Logger
from supervisor.medusa.asyncore_25 import ExitNow
from supervisor.options import ProcessConfig, ServerOptions
from supervisor.process import Subprocess
from supervisor.states import ProcessStates
from supervisor.supervisord import Supervisor

from foundation import linux, logs
from launcher.passed_lines import PassedLines
from launcher.steps import say

# After n failures in a row a program is restarted after n seconds, but never later than this.
LONGEST_BACK_OFF_SECONDS = 30

# This program writes no lines of the product's.
_FOREIGN = "redis"


class _Process(Subprocess):  # type: ignore[misc]
    """A program that is restarted for ever, at growing but bounded intervals."""

    backoff: int

    def spawn(self) -> Any:
        # Until it becomes another program, the child has the supervisor's handlers, which would swallow the signal
        # to stop. So it starts with the signal blocked, and `launcher.supervised` unblocks it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        try:
            return super().spawn()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def _prepare_child_fds(self) -> None:
        """Give the child its streams: where nothing goes to files, it has the supervisor's own standard output."""
        options = self.config.options
        if not options.output_format or self.config.name == _FOREIGN:
            super()._prepare_child_fds()
            return
        options.dup2(self.pipes["child_stdin"], 0)
        options.dup2(self.pipes["child_stdout"], 2)
        for descriptor in range(3, options.minfds):
            options.close_fd(descriptor)

    def change_state(self, new_state: int, expected: bool = True) -> Any:
        if new_state == ProcessStates.BACKOFF:
            self.backoff = min(self.backoff, LONGEST_BACK_OFF_SECONDS - 1)
        return super().change_state(new_state, expected)


class _ProcessConfig(ProcessConfig):  # type: ignore[misc]
    def make_process(self, group: Any = None) -> _Process:
        process = _Process(self)
        process.group = group
        return process

    def make_dispatchers(self, proc: Any) -> Any:
        dispatchers, pipes = super().make_dispatchers(proc)
        for dispatcher in dispatchers.values():
            if self.options.output_format and isinstance(dispatcher, POutputDispatcher):
                dispatcher.childlog = dispatcher.normallog = self.options.passing(f"udapi.output.{self.name}")
        return dispatchers, pipes


class _Options(ServerOptions):  # type: ignore[misc]
    output_format = ""
    """`text` or `json` where nothing goes to files."""

    def passing(self, name: str) -> Logger:
        """A logger of the supervisor's kind whose lines go to standard output."""
        return Logger(self.loglevel, [PassedLines(name, as_json=self.output_format == "json")])

    def make_logger(self) -> None:
        if not self.output_format:
            super().make_logger()
            return
        self.logger = self.passing("udapi.supervisor")
        for message in (*self.parse_criticals, *self.parse_warnings, *self.parse_infos):
            self.logger.info(message)

    def processes_from_section(self, parser: Any, section: str, group_name: str, klass: Any = None) -> Any:
        return super().processes_from_section(parser, section, group_name, _ProcessConfig)

    def setsignals(self) -> None:
        super().setsignals()
        signal.signal(signal.SIGHUP, lambda *_: self.signal_receiver.receive(signal.SIGTERM, None))


class _Supervisor(Supervisor):  # type: ignore[misc]
    _told: frozenset[str] = frozenset()

    def shutdown_report(self) -> Any:
        unstopped = super().shutdown_report()
        names = frozenset(process.config.name for process in unstopped)
        if names != self._told:
            self._told = names
            _tell(f"Stopping … {', '.join(sorted(names))}" if names else "Stopped.")
        return unstopped


def _tell(text: str) -> None:
    # The terminal may be gone; the programs still have to stop in order.
    with suppress(OSError):
        say(text)


def main(config: str, output_format: str = "") -> None:
    """Run the programs of the file `config` until a signal ends them."""
    linux.hide_memory()
    options = _Options()
    options.output_format = output_format
    if output_format == "json":
        logs.use_output(logging.getLogger(logs.LAUNCHER_LOGGER), as_json=True)
    options.realize(["-c", config])
    options.first, options.test = True, False
    with suppress(ExitNow):
        _Supervisor(options).main()
    options.close_logger()


if __name__ == "__main__":
    main(*sys.argv[1:])

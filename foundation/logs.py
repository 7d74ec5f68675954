"""The log files: their format, and which logger writes to which file. No client can forge a line.

`endpoint.log` has the triggers as the web server sees them, `refused.log` what callers without a valid token, key or
password cause. `manager.log` has what the worker nodes do: the runs of scripts with all that the scripts print, and the
background tasks. Its name is Skyline DataMiner's, where the *user-defined API manager* runs the scripts.
"""

import logging
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from foundation.log_file import SharedFileHandler, make_private
from foundation.texts import CONTROL_CHARACTERS

# These write whatever the log level: two lines for each trigger; changes of users and groups, and exports; refused
# calls and log-ins of strangers.
TRIGGER_LOGGER = "udapi.trigger"
AUDIT_LOGGER = "udapi.audit"
REFUSED_LOGGER = "udapi.refused"
# What anybody can cause without logging in has a file of its own, where it displaces no lines of triggers.
_STRANGERS_LOGGERS = (REFUSED_LOGGER, "django.security")

_OWN_DIRECTORY = 0o700
_LINE_END = "\n    | "
_UNSAFE = CONTROL_CHARACTERS | {ord("\n"): _LINE_END, ord("\t"): "\t"}


@dataclass(frozen=True)
class LogSettings:
    """Where the log files lie, from which level, how large each gets and how many rotated ones are kept."""

    directory: Path
    # Whether the directory is the product's own; another one, such as `/var/log`, keeps its mode.
    in_data_dir: bool
    level: str
    max_bytes: int
    keep: int


class LineFormatter(logging.Formatter):
    """`2026-01-31T23:59:59.123Z LEVEL logger: message`; a bar marks the further lines of a message."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return line if line.isprintable() else line.translate(_UNSAFE)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's own name
        """Faster than logging's own format, as each trigger writes two lines."""
        seconds, milliseconds = divmod(int(record.created * 1_000), 1_000)
        return f"{_second(seconds)}.{milliseconds:03}Z {record.levelname} {record.name}: {record.message}"

    def usesTime(self) -> bool:  # noqa: N802  logging's own name
        """No: `formatMessage` adds the time itself."""
        return False


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    """Cached, because many lines fall into one second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def to_stderr(settings: LogSettings) -> None:
    """Log to standard error: commands, and servers until they know their file."""
    _use(logging.StreamHandler(), settings)


def to_file(name: str, settings: LogSettings) -> None:
    """Log to the rotated file `name`, which other processes may write to as well."""
    _use(_file(name, settings), settings)


def refusals_to_file(name: str, settings: LogSettings) -> None:
    """Log what strangers cause to the rotated file `name` only."""
    handler = _file(name, settings)
    handler.setFormatter(LineFormatter())
    for logger in map(logging.getLogger, _STRANGERS_LOGGERS):
        logger.handlers, logger.propagate = [handler], False


def _file(name: str, settings: LogSettings) -> logging.Handler:
    make_directory(settings)
    return SharedFileHandler(settings.directory / name, settings.max_bytes, settings.keep)


def make_directory(settings: LogSettings) -> None:
    """Make the log directory, for this user only."""
    settings.directory.mkdir(mode=_OWN_DIRECTORY, parents=True, exist_ok=True)
    if settings.in_data_dir:
        make_private(settings.directory, _OWN_DIRECTORY)


def _use(handler: logging.Handler, settings: LogSettings) -> None:
    handler.setFormatter(LineFormatter())
    # Do not look up for each record what the lines do not show.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # the documented way to leave out the calling function
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.level)
    for at_any_level in (TRIGGER_LOGGER, AUDIT_LOGGER, REFUSED_LOGGER):
        logging.getLogger(at_any_level).setLevel(logging.INFO)
    # Celery's own line for each task would double every trigger's lines.
    for chatty in ("celery.worker.strategy", "celery.app.trace", "celery.beat"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("django.request").addFilter(_is_our_fault)


def _is_our_fault(record: logging.LogRecord) -> bool:
    """Django logs every answer of 400 and above, some with a traceback that any client can cause."""
    return record.levelno >= logging.ERROR and bool(record.exc_info)

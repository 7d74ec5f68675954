"""Where the logs go, and which logger writes to which file.

`endpoint.log` has the triggers as the web server sees them, `refused.log` what callers without a valid token, key or
password cause. `manager.log` has what the worker nodes do: the runs of scripts with all that the scripts print, and the
background tasks. Its name is Skyline DataMiner's, where the *user-defined API manager* runs the scripts.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from foundation.log_file import SharedFileHandler, make_private
from foundation.log_formats import JsonFormatter, LineFormatter
from foundation.log_output import STANDARD_OUTPUT, OutputHandler, claimed_output

# These write whatever the log level: two lines for each trigger; changes of users and groups, and exports; refused
# calls and log-ins of strangers.
TRIGGER_LOGGER = "udapi.trigger"
AUDIT_LOGGER = "udapi.audit"
REFUSED_LOGGER = "udapi.refused"
# What anybody can cause without logging in has a file of its own, where it displaces no lines of triggers.
_STRANGERS_LOGGERS = (REFUSED_LOGGER, "django.security")

# What the launcher and the supervisor say, where it is part of the log.
LAUNCHER_LOGGER = "udapi.launcher"

_OWN_DIRECTORY = 0o700


@dataclass(frozen=True)
class LogSettings:
    """Where the log files lie, from which level, how large each gets and how many rotated ones are kept.

    Without `to_files`, the servers write to standard output, and nothing to files.
    """

    directory: Path
    # Whether the directory is the product's own; another one, such as `/var/log`, keeps its mode.
    in_data_dir: bool
    level: str
    max_bytes: int
    keep: int
    as_json: bool = False
    to_files: bool = True


def to_stderr(settings: LogSettings) -> None:
    """Log to standard error: commands, and servers until they know their file."""
    _use(logging.StreamHandler(), settings)


def of_server(name: str, settings: LogSettings) -> None:
    """Log to the rotated file `name`, or to standard output; other processes may write to either as well."""
    if settings.to_files:
        to_file(name, settings)
    else:
        _use(OutputHandler(claimed_output()), settings)


def to_file(name: str, settings: LogSettings) -> None:
    """Log to the rotated file `name`. Without files this changes nothing: a command's output is not the log."""
    if settings.to_files:
        _use(_file(name, settings), settings)


def refusals_to_file(name: str, settings: LogSettings) -> None:
    """Log what strangers cause to the rotated file `name` only; without files, it goes where all else goes."""
    if not settings.to_files:
        return
    handler = _file(name, settings)
    handler.setFormatter(formatter(settings))
    for logger in map(logging.getLogger, _STRANGERS_LOGGERS):
        logger.handlers, logger.propagate = [handler], False


def of_launcher(settings: LogSettings) -> None:
    """Make what the launcher says a part of the log, if that is JSON on standard output."""
    if settings.as_json and not settings.to_files:
        use_output(logging.getLogger(LAUNCHER_LOGGER), as_json=True)


def use_output(logger: logging.Logger, *, as_json: bool, descriptor: int = STANDARD_OUTPUT) -> None:
    """Have `logger` write to standard output only, or to the file that `descriptor` refers to."""
    handler = OutputHandler(descriptor)
    handler.setFormatter(JsonFormatter() if as_json else LineFormatter())
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)


def formatter(settings: LogSettings) -> logging.Formatter:
    return JsonFormatter() if settings.as_json else LineFormatter()


def _file(name: str, settings: LogSettings) -> logging.Handler:
    make_directory(settings)
    return SharedFileHandler(settings.directory / name, settings.max_bytes, settings.keep)


def make_directory(settings: LogSettings) -> None:
    """Make the log directory, for this user only."""
    settings.directory.mkdir(mode=_OWN_DIRECTORY, parents=True, exist_ok=True)
    if settings.in_data_dir:
        make_private(settings.directory, _OWN_DIRECTORY)


def _use(handler: logging.Handler, settings: LogSettings) -> None:
    handler.setFormatter(formatter(settings))
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

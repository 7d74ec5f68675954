"""Reads the settings of the logs. The launcher needs them before it can read all the others."""

from pathlib import Path

from foundation import env
from foundation.data_directory import DataDir
from foundation.logs import LogSettings

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def from_environment(data: DataDir) -> LogSettings:
    """How this process logs.

    Raises:
        ImproperlyConfigured: a variable has an unusable value.
    """
    directory = Path(env.text("UDAPI_LOG_DIR", str(data.log_dir)))
    return LogSettings(
        directory=directory,
        in_data_dir=data.root in directory.resolve().parents,
        level=env.choice("UDAPI_LOG_LEVEL", "INFO", _LEVELS),
        max_bytes=env.number("UDAPI_LOG_MAX_BYTES", 5_000_000, 1_000, 10**12),
        keep=env.number("UDAPI_LOG_KEEP", 3, 1, 1_000),
        as_json=env.choice("UDAPI_LOG_FORMAT", "text", ("text", "json")) == "json",
        to_files=env.choice("UDAPI_LOG_OUTPUT", "files", ("files", "stdout")) == "files",
    )

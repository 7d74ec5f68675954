"""How a line of a log looks: as text or as JSON. No client can forge or break one.

A log entry is formatted only where a line is written, so that the fields of JSON cost nothing in text.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from foundation import log_context
from foundation.texts import CONTROL_CHARACTERS

_LINE_END = "\n    | "
_UNSAFE = CONTROL_CHARACTERS | {ord("\n"): _LINE_END, ord("\t"): "\t"}
# What JSON allows in a string and what terminals obey, or readers take for the end of a line.
_ESCAPED = {code: f"\\u{code:04x}" for code in CONTROL_CHARACTERS}
_encoder = msgspec.json.Encoder(enc_hook=str)


class LogEntry(ABC):
    """The message of a line whose values have names: `str()` of it is the text."""

    __slots__ = ()

    @abstractmethod
    def __str__(self) -> str: ...

    @abstractmethod
    def fields(self) -> Mapping[str, object]:
        """What JSON shows beside time, level and logger; `message` is among them, None is left out."""


class LineFormatter(logging.Formatter):
    """`2026-01-31T23:59:59.123Z LEVEL logger: message`; a bar marks the further lines of a message."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return line if line.isprintable() else line.translate(_UNSAFE)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's own name
        """Faster than logging's own format, as each trigger writes two lines."""
        return f"{_moment(record)} {record.levelname} {record.name}: {record.message}"

    def usesTime(self) -> bool:  # noqa: N802  logging's own name
        """No: `formatMessage` adds the time itself."""
        return False


class JsonFormatter(logging.Formatter):
    """One object on one line: time, level, logger, message, the ids of trigger and trace, and an entry's fields."""

    def format(self, record: logging.LogRecord) -> str:
        values: dict[str, object] = {"time": _moment(record), "level": record.levelname, "logger": record.name}
        if isinstance(record.msg, LogEntry):
            values.update(_present(record.msg.fields()))
        else:
            values["message"] = record.getMessage()
        _add_ids(values)
        if record.exc_info:
            values["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            values["stack"] = record.stack_info
        line = _encoded(values)
        return line if line.isprintable() else line.translate(_ESCAPED)


def _present(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _add_ids(values: dict[str, object]) -> None:
    if "trigger_id" not in values and (trigger_id := log_context.trigger_id.get()):
        values["trigger_id"] = trigger_id
    if trace_id := log_context.trace_id.get():
        values["trace_id"] = trace_id


def _encoded(values: dict[str, object]) -> str:
    try:
        return _encoder.encode(values).decode()
    except UnicodeEncodeError:
        # A lone surrogate, which UTF-8 cannot have.
        return _encoder.encode({name: _encodable(value) for name, value in values.items()}).decode()


def _encodable(value: object) -> object:
    if value is None or isinstance(value, int | float):
        return value
    return str(value).encode("utf-8", "backslashreplace").decode()


def _moment(record: logging.LogRecord) -> str:
    seconds, milliseconds = divmod(int(record.created * 1_000), 1_000)
    return f"{_second(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=2)
def _second(seconds: int) -> str:
    """Cached, because many lines fall into one second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))

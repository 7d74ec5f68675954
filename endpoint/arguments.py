"""Arguments of the commands that trigger a script."""

from argparse import ArgumentTypeError
from pathlib import Path

from django.core.management.base import CommandError

from endpoint.sent_headers import InvalidHeaderError, as_received
from endpoint.trigger_request import METHODS
from foundation import env, traceparent
from foundation.texts import UnreadableFileError, read_bytes, read_text
from foundation.traceparent import TraceContext

METHOD_HELP = f"{', '.join(METHODS)}; POST unless given"


def text(argument: str) -> str:
    try:
        argument.encode()
    except UnicodeEncodeError as error:
        raise ArgumentTypeError("an argument is not UTF-8") from error
    return argument


def pair(argument: str) -> tuple[str, str]:
    name, separator, value = text(argument).partition("=")
    if not separator or not name:
        raise ArgumentTypeError(f"{argument!r} is not NAME=VALUE")
    return name, value


def header(argument: str) -> tuple[str, str]:
    sent = pair(argument)
    try:
        return as_received([sent])[0]
    except InvalidHeaderError as error:
        raise ArgumentTypeError(str(error)) from error


def content(file: Path) -> str:
    """The text in `file`. Raises CommandError."""
    try:
        return read_text(file)
    except UnreadableFileError as error:
        raise CommandError(str(error)) from error


def content_bytes(file: Path) -> bytes:
    """What is in `file`. Raises CommandError."""
    try:
        return read_bytes(file)
    except UnreadableFileError as error:
        raise CommandError(str(error)) from error


def place_in_trace() -> TraceContext:
    """The place in a trace that the environment names, as other programs read it."""
    return traceparent.received(env.text("TRACEPARENT", ""), env.text("TRACESTATE", ""))

"""What a run may leave changed in its process, so that the next run cannot have it."""

from enum import StrEnum


class Leftover(StrEnum):
    """What a host has found after a run, in words for maintainers."""

    NONE = ""
    NOT_LOADED = "The script was not loaded."
    EXCEPTION = "The run ended with an exception."
    STREAM = "A standard stream was closed or redirected."
    LIMIT = "A limit, the priority or the processors of the process were changed."
    PATCH = "Functions of os, json, signal, time or the built-ins were replaced."
    FILE = "A file or a connection was left open."
    THREAD = "A thread was still running."

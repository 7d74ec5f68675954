"""What is to be done as soon as a process of the web server is to end, before it waits for its last requests."""

from collections.abc import Callable

_CALLBACKS: list[Callable[[], None]] = []


def at_end(callback: Callable[[], None]) -> None:
    """Have `callback` called once when the end begins."""
    _CALLBACKS.append(callback)


def begin() -> None:
    """The end begins; called by the web server."""
    while _CALLBACKS:
        _CALLBACKS.pop()()

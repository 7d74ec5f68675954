"""What a process of the web server does when it begins to end, before it waits for its last requests."""

from collections.abc import Callable


class Shutdown:
    """The callbacks of this process."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[], None]] = []
        self.has_begun = False

    def on_begin(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    def begin(self) -> None:
        """Run each callback once, however often the server says that the process ends."""
        self.has_begun = True
        while self._callbacks:
            self._callbacks.pop()()


shutdown = Shutdown()

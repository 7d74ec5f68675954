"""What a running build may take: time and disk space."""

import shutil
import threading
import time
from pathlib import Path

from hosts.build_errors import BuildError, NoSpaceError, disk_full, too_large
from hosts.file_trees import bytes_of

LEAST_FREE_BYTES = 64 * 1024**2
"""A build leaves that much of the disk to others."""
# Looking at the sizes of many files takes a while. It is done so rarely that it costs little.
_LOOK_SECONDS = 0.2
_LOOK_SHARE = 20


class BuildLimits:
    """Ends a build in time. The growth of `shared`, where other builds may write as well, counts as its own."""

    def __init__(
        self,
        *,
        seconds: float,
        most_bytes: int,
        room_bytes: int,
        own: Path,
        shared: Path,
        stopped: threading.Event,
    ) -> None:
        """`room_bytes` is what may still be added to all environments and the cache."""
        self._ends_at, self._seconds = time.monotonic() + seconds, seconds
        self._most, self._room = most_bytes, room_bytes
        self._own, self._shared, self._stopped = own, shared, stopped
        self._shared_before = bytes_of(shared)
        self._look_at = 0.0

    def check(self) -> None:
        """Raise BuildError if the build must end."""
        now = time.monotonic()
        if self._stopped.is_set():
            raise BuildError("The node is stopping.", is_of_node=True)
        if now >= self._ends_at:
            text = f"The build has not ended within {self._seconds:g} seconds (UDAPI_BUILD_TIMEOUT_SECONDS)."
            raise BuildError(text, is_of_node=True)
        if now >= self._look_at:
            self.check_space()
            self._look_at = now + max(_LOOK_SECONDS, _LOOK_SHARE * (time.monotonic() - now))

    def check_space(self) -> None:
        """Raise BuildError if the build takes too much, whenever that was looked at last."""
        own, added = bytes_of(self._own), bytes_of(self._shared) - self._shared_before
        # Packages that were not in the cache are there and in the environment.
        if max(own, added) > self._most:
            raise too_large(self._most)
        if own + added > self._room:
            raise NoSpaceError(
                "The environments of this node take as much as they may (UDAPI_ENVIRONMENTS_MAX_MB).", is_of_node=True
            )
        if shutil.disk_usage(self._own).free < LEAST_FREE_BYTES:
            raise disk_full()

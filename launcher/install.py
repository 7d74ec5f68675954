"""`python -m launcher.install FILE STAMP`: install the requirements in FILE, showing progress, then touch STAMP.

It needs nothing but Python, as it installs everything else.
"""

import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path

QUIET_SECONDS = 3
KEPT_LINES = 15
PIP = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
# Wheels only: building a source distribution would run its code before anything could check it.
VERIFIED = ["--require-hashes", "--only-binary", ":all:"]


class Progress:
    """Shows what pip does, and after a silence that it is still running."""

    def __init__(self) -> None:
        self._began = self._shown = time.monotonic()
        self._ended = threading.Event()
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)

    def take(self, line: str) -> None:
        """Show a line of pip's output if it is of interest."""
        self.last_lines.append(line)
        if line.startswith(("Collecting", "Downloading", "Installing", "Building", "Successfully")):
            self._say(line if len(line) < 100 else f"{line[:96]} …")

    def watch(self) -> None:
        """Report after every silence, until `end`."""
        while not self._ended.wait(1):
            if time.monotonic() - self._shown > QUIET_SECONDS:
                self._say(f"… still installing ({time.monotonic() - self._began:.0f} s)")

    def end(self) -> None:
        self._ended.set()

    def _say(self, text: str) -> None:
        self._shown = time.monotonic()
        print(f"  {text}", flush=True)


def install(requirements: str) -> int:
    """Install the file `requirements`; returns pip's exit status."""
    print(f"Installing {requirements} …", flush=True)
    progress = Progress()
    watcher = threading.Thread(target=progress.watch, daemon=True)
    watcher.start()
    command = [sys.executable, *PIP, *VERIFIED, "-r", requirements]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:  # noqa: S603
        for line in pip.stdout or ():
            progress.take(line.rstrip())
    progress.end()
    if pip.returncode:
        print("\n".join(progress.last_lines))
        print(f"Error: {requirements} could not be installed: see above, check the network, and start again.")
    return pip.returncode


def main(requirements: str, stamp: str) -> int:
    """Install and, on success, touch `stamp`; returns the exit status."""
    try:
        status = install(requirements)
    except KeyboardInterrupt:
        return 130
    if status == 0:
        Path(stamp).touch()
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

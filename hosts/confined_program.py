"""A program that a builder runs in confinement, as the builder sees it."""

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import IO

from hosts.build_errors import BuildError
from hosts.build_process import BuildOrder
from hosts.reachable_paths import PROJECT

_BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from hosts.build_process import main; main()"
_READ_BYTES = 64 * 1024
_MOST_OUTPUT_BYTES = 16 * 1024**2
_GLANCE_SECONDS = 0.1
_STOP_TIMEOUT_SECONDS = 5.0


class ConfinedProgram:
    """Executes an order; used once, by one thread, which must live as long as the program does."""

    def __init__(self, order: BuildOrder, environment: Mapping[str, str], standard_input: str) -> None:
        """Start it, with these variables and no others. Raises OSError."""
        given = _file_with(standard_input.encode())
        try:
            self._process = subprocess.Popen(  # noqa: S603  the order comes from the builder
                [sys.executable, "-I", "-S", "-X", "utf8", "-c", _BOOTSTRAP, str(PROJECT), json.dumps(asdict(order))],
                env=dict(environment),
                cwd="/",
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        finally:
            os.close(given)

    def attend(self, on_error_output: Callable[[bytes], None], check: Callable[[], None]) -> tuple[int, bytes]:
        """The exit status and the standard output. `check` is called often; what it raises ends the program.

        Raises BuildError if there is more output than is sensible.
        """
        output = bytearray()
        try:
            with selectors.DefaultSelector() as selector:
                for stream, take in zip(self._streams(), (output.extend, on_error_output), strict=True):
                    selector.register(stream, selectors.EVENT_READ, take)
                while selector.get_map():
                    _pass_on(selector)
                    check()
                    if len(output) > _MOST_OUTPUT_BYTES:
                        raise BuildError("The packages resolve to more than a lock can hold.")
            while True:
                with suppress(subprocess.TimeoutExpired):
                    return self._process.wait(_GLANCE_SECONDS), bytes(output)
                check()
        finally:
            self._end()

    def _streams(self) -> list[IO[bytes]]:
        return [stream for stream in (self._process.stdout, self._process.stderr) if stream]

    def _end(self) -> None:
        """End it with everything that it has started; returns when it is gone."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in self._streams():
            stream.close()


def _file_with(content: bytes) -> int:
    """A descriptor at the beginning of a file in memory."""
    descriptor = os.memfd_create("requirements", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _pass_on(selector: selectors.BaseSelector) -> None:
    for key, _ in selector.select(_GLANCE_SECONDS):
        if data := os.read(key.fd, _READ_BYTES):
            key.data(data)
        else:
            selector.unregister(key.fileobj)

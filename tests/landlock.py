"""The Landlock version of this kernel, and a way to run a program as on a kernel without Landlock."""

import sys

import pytest

from hosts import landlock

ABI = landlock.abi()
needs_landlock = pytest.mark.skipif(ABI == 0, reason="this kernel has no Landlock")
needs_scopes = pytest.mark.skipif(ABI < 6, reason="this kernel's Landlock is older than version 6")

# Have Landlock's three system calls fail with "not implemented", as on Linux 5.12, in this process and its children.
_FORGET = """
import ctypes, os, struct, sys
steps = [(0x20, 0, 0, 0), (0x35, 0, 2, 444), (0x25, 1, 0, 446), (0x06, 0, 0, 0x50000 | 38), (0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
program = struct.pack("@HP", len(steps), ctypes.addressof(code))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


def without_landlock(*command: str) -> list[str]:
    """The command as it runs on a kernel without Landlock."""
    return [sys.executable, "-c", _FORGET, *command]

"""Landlock: a process gives up, for good, the files and processes that it does not need (`man 7 landlock`).

The system calls go through ctypes, since the zygote imports no third-party package.
"""

import ctypes
import os
import stat
import struct
from dataclasses import dataclass
from functools import cache

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
_FIRST_RIGHTS = _REFER - 1
_RIGHTS_SINCE = {1: _FIRST_RIGHTS, 2: _REFER, 3: _TRUNCATE, 5: _IOCTL_DEV}
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_SCOPED_SINCE = 6
_ABSTRACT_SOCKETS, _SIGNALS = 1 << 0, 1 << 1

_syscall = ctypes.CDLL(None, use_errno=True).syscall
_syscall.restype = ctypes.c_long


@dataclass(frozen=True)
class ReachablePaths:
    """Paths that scripts may read (and execute), and paths that they may also write."""

    readable: tuple[str, ...]
    writable: tuple[str, ...]

    def inodes(self) -> list[tuple[int, int] | None]:
        """The files that the paths name now. A running host reaches those that they named when it started."""
        return [_inode(path) for path in (*self.readable, *self.writable)]


def _inode(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


@cache
def abi() -> int:
    """The version of Landlock in this kernel; 0 where it is missing, turned off or forbidden."""
    return max(0, _call(_CREATE_RULESET, None, 0, _VERSION_FLAG))


def restrict(paths: ReachablePaths, own_directory: str, version: int) -> None:
    """Confine this process, and all that it starts, to `paths` and to `own_directory`, which it may write.

    Paths that do not exist, or that this process cannot open, are left out. Open files stay open. From `version` 6 on,
    the process can neither signal processes outside nor connect to their abstract sockets. It must already be unable
    to gain privileges. Raises OSError if the kernel refuses.
    """
    rights = sum(added for since, added in _RIGHTS_SINCE.items() if since <= version)
    scoped = _ABSTRACT_SOCKETS | _SIGNALS if version >= _SCOPED_SINCE else 0
    ruleset = _checked(_call(_CREATE_RULESET, struct.pack("=QQQ", rights, 0, scoped), 24, 0))
    try:
        for path in paths.readable:
            _allow(ruleset, path, _READ)
        for path in (own_directory, *paths.writable):
            _allow(ruleset, path, rights)
        _checked(_call(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, granted: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        is_directory = stat.S_ISDIR(os.fstat(opened).st_mode)
        rule = struct.pack("=Qi", granted if is_directory else granted & _OF_FILES, opened)
        _checked(_call(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
    finally:
        os.close(opened)


def _call(number: int, *arguments: int | bytes | None) -> int:
    words = (ctypes.c_long(each) if isinstance(each, int) else each for each in arguments)
    return int(_syscall(ctypes.c_long(number), *words))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result

"""Landlock: a process gives up, for good, the files and processes that it need not reach (`man 7 landlock`).

The system calls are made by ctypes, since the zygote imports no third-party package.
"""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
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


@cache
def abi() -> int:
    """The version of Landlock in this kernel; 0 where it is missing, turned off or forbidden."""
    return max(0, _call(_CREATE_RULESET, None, 0, _VERSION_FLAG))


def restrict(readable: Iterable[str], writable: Iterable[str], version: int) -> None:
    """Let this process and all that it starts reach nothing but what lies in these files and directories.

    Paths that do not exist, or that this process cannot reach anyway, are left out. Open files stay open. From
    `version` 6 on it can neither signal processes outside nor connect to their abstract sockets. The process must be
    unable to gain privileges. Raises OSError where the kernel refuses.
    """
    rights = sum(added for since, added in _RIGHTS_SINCE.items() if since <= version)
    scoped = _ABSTRACT_SOCKETS | _SIGNALS if version >= _SCOPED_SINCE else 0
    ruleset = _checked(_call(_CREATE_RULESET, struct.pack("=QQQ", rights, 0, scoped), 24, 0))
    try:
        for paths, granted in ((readable, _READ), (writable, rights)):
            for path in paths:
                _allow(ruleset, path, granted)
        _checked(_call(_RESTRICT_SELF, ruleset, 0))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, granted: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        is_directory = stat.S_ISDIR(os.fstat(place).st_mode)
        rule = struct.pack("=Qi", granted if is_directory else granted & _OF_FILES, place)
        _checked(_call(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
    finally:
        os.close(place)


def _call(number: int, *arguments: int | bytes | None) -> int:
    words = (ctypes.c_long(each) if isinstance(each, int) else each for each in arguments)
    return int(_syscall(ctypes.c_long(number), *words))


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result

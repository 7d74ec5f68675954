"""The program that a build runs in: a keeper, and below it uv, confined to what a build needs.

The worker starts it through exec. The keeper dies with the worker, and takes everything that uv has started along.
"""

import json
import os
import pwd
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from foundation import linux
from hosts import landlock, tree
from hosts.landlock import ReachablePaths

EXIT_NOT_STARTED = 126
_NICENESS = 10
_MOST_MEMORY_BYTES = 4 * 1024**3
_SWEEP_SECONDS = 2.0
_PAUSE_SECONDS = 0.01


@dataclass(frozen=True)
class BuildOrder:
    """What a build executes, and where. Secrets are not in it: they come in the environment.

    It may write to `directory`, in which it starts, besides `writable`. `user` is the account that it runs as, if it is
    not the worker's. `worker` is the process that waits for it.
    """

    program: Sequence[str]
    directory: str
    readable: Sequence[str]
    writable: Sequence[str]
    user: str
    most_bytes: int
    worker: int


def main() -> None:
    """Run as `python -I -S -c <bootstrap> <project root> <order>`; ends with the exit status of the program."""
    order = BuildOrder(**json.loads(sys.argv[2]))
    linux.die_with_parent(signal.SIGTERM)
    linux.adopt_orphans()
    keeper = os.getpid()
    if os.getppid() != order.worker:
        sys.exit(EXIT_NOT_STARTED)
    if child := os.fork():
        sys.exit(_keep(child))
    _execute(order, keeper)


def _keep(child: int) -> int:
    """The exit status of `child`, which SIGTERM ends, once everything that it has left behind is killed."""
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    # Do not reap it before the handler, which uses its id, is gone.
    ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    last_moment = time.monotonic() + _SWEEP_SECONDS
    while tree.end_children() and time.monotonic() < last_moment:
        time.sleep(_PAUSE_SECONDS)
    if ended is None:
        return EXIT_NOT_STARTED
    return ended.si_status if ended.si_code == os.CLD_EXITED else 128 + ended.si_status


def _execute(order: BuildOrder, keeper: int) -> NoReturn:
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        # Python ignores SIGXFSZ. It stays ignored, so that uv says which file is too large.
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        _limit(order.most_bytes)
        linux.give_up_becoming_root()
        if order.user:
            _become(pwd.getpwnam(order.user))
        linux.die_with_parent()
        # The keeper may have ended before `die_with_parent`.
        if os.getppid() == keeper:
            _confine(order)
            os.execve(order.program[0], list(order.program), os.environ)  # noqa: S606  that is the order
    except (OSError, KeyError) as error:
        print(f"error: the build cannot start: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(EXIT_NOT_STARTED)


def _limit(most_bytes: int) -> None:
    os.nice(_NICENESS)
    os.umask(0o022)
    for name, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, most_bytes),
        (resource.RLIMIT_DATA, _MOST_MEMORY_BYTES),
    ):
        _, hard = resource.getrlimit(name)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(name, (limit, limit))


def _become(account: pwd.struct_passwd) -> None:
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def _confine(order: BuildOrder) -> None:
    linux.renounce_privileges()
    if version := landlock.abi():
        paths = ReachablePaths(tuple(order.readable), tuple(order.writable))
        landlock.restrict(paths, order.directory, version)
    os.chdir(order.directory)

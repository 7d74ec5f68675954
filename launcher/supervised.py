"""`python -m launcher.supervised PARENT LOCK PROGRAM …`: become a program that ends when its supervisor does."""

import os
import signal
import sys
from pathlib import Path

from foundation import linux
from launcher import lock


def end_with_parent(parent: int) -> None:
    """Have the kernel send this process SIGTERM when the process `parent` ends, in whatever way.

    This still holds when the process becomes another program.

    Raises:
        SystemExit: the parent has ended already.
    """
    linux.die_with_parent(signal.SIGTERM)
    # It may have ended before the kernel was asked.
    if os.getppid() != parent:
        sys.exit("The supervisor has ended.")


def main(parent: str, lock_file: str, *command: str) -> None:
    """Become `command`, sharing the lock `lock_file`."""
    linux.hide_memory()
    # The supervisor started this process with SIGTERM blocked; one that came meanwhile ends it here.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    end_with_parent(int(parent))
    lock.share(Path(lock_file))
    os.execvp(command[0], command)  # noqa: S606  the command comes from our own configuration


if __name__ == "__main__":
    main(*sys.argv[1:])

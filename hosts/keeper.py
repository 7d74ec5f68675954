"""The keeper: the zygote's parent, there for the end of the zygote, in order or not.

What a script has put into a session of its own would outlive a zygote that is killed. The keeper adopts that. All that
is below it comes from its zygote, so it ends all of it, whoever is killed at the same moment.
"""

import os
import signal
import time

from hosts import tree

_SWEEP_SECONDS = 2.0
_PAUSE_SECONDS = 0.01


def keep(zygote: int) -> bool:
    """Wait until the child `zygote` has ended, then end what it has left; returns when nothing is below the caller.

    The zygote is killed on SIGTERM, and goes on with the caller if somebody had stopped them. Returns whether it ended
    without that.
    """
    told = False

    def end(*_: object) -> None:
        nonlocal told
        told = True
        os.kill(zygote, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGCONT, lambda *_: os.kill(zygote, signal.SIGCONT))
    # Not reaped before its id is forgotten.
    os.waitid(os.P_PID, zygote, os.WEXITED | os.WNOWAIT)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGCONT, signal.SIG_DFL)
    last_moment = time.monotonic() + _SWEEP_SECONDS
    while tree.end_children() and time.monotonic() < last_moment:
        time.sleep(_PAUSE_SECONDS)
    return not told

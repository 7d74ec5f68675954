"""The keeper: the zygote's parent, which cleans up when the zygote has ended or was killed.

Processes that a script has moved to a session of their own would outlive a killed zygote. The keeper adopts them. All
processes below it come from its zygote, so it kills all of them, whatever else is killed at the same moment.
"""

import os
import signal
import time

from hosts import tree

_SWEEP_SECONDS = 2.0
_PAUSE_SECONDS = 0.01


def keep(zygote: int) -> bool:
    """Wait until the child `zygote` has ended, then kill what it has left behind.

    SIGTERM kills the zygote. SIGCONT is passed on, in case both were stopped. Returns whether the zygote ended without
    a SIGTERM.
    """
    was_told = False

    def end(*_: object) -> None:
        nonlocal was_told
        was_told = True
        os.kill(zygote, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGCONT, lambda *_: os.kill(zygote, signal.SIGCONT))
    # Do not reap it before the handlers, which use its id, are gone.
    os.waitid(os.P_PID, zygote, os.WEXITED | os.WNOWAIT)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGCONT, signal.SIG_DFL)
    last_moment = time.monotonic() + _SWEEP_SECONDS
    while tree.end_children() and time.monotonic() < last_moment:
        time.sleep(_PAUSE_SECONDS)
    return not was_told

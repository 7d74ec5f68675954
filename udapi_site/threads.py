"""Who may hold the threads of a web server process, and how many.

Two kinds of requests hold one for long: triggers that wait, and live streams. Each has a share of its own and
never takes the other's, and what is left over stays free for console and management.
"""

from django.conf import settings


def reserve() -> int:
    """Threads that neither takes."""
    return max(4, _configured() // 8)


def for_triggers() -> int:
    """Triggers that may wait."""
    return _configured() - reserve()


def for_streams() -> int:
    """Live streams; their threads come on top, for an idle one costs no more than its stack."""
    return _configured()


def total() -> int:
    """All threads of a process."""
    return for_triggers() + reserve() + for_streams()


def _configured() -> int:
    return int(settings.UDAPI_WEB_THREADS)

"""Who may hold the threads of a web server process, and how many.

Three kinds of requests hold one for long: triggers that wait, live streams, and everything else whose client sends or
receives slowly. Each has a share of its own and never takes another's, and what is left over stays free for console and
management.
"""

from django.conf import settings


def reserve() -> int:
    """Threads that none of them takes."""
    return max(4, _configured() // 8)


def for_triggers() -> int:
    """Triggers that may wait."""
    return _configured() - reserve()


def for_streams() -> int:
    """Live streams; their threads come on top, for an idle one costs no more than its stack."""
    return _configured()


def for_slow_clients() -> int:
    """Other requests that may wait for their clients; their threads come on top as well."""
    return _configured() // 2


def total() -> int:
    """All threads of a process."""
    return for_triggers() + reserve() + for_streams() + for_slow_clients()


def _configured() -> int:
    return int(settings.UDAPI_WEB_THREADS)

"""How the threads of a web server process are shared out.

Three kinds of requests hold a thread for long: waiting triggers, live streams, and everything else whose client sends
or receives slowly. Each kind has its own share and never takes another's; the reserve stays free for console and
management API.
"""

from django.conf import settings


def reserve() -> int:
    return max(4, _configured() // 8)


def for_triggers() -> int:
    return _configured() - reserve()


def for_streams() -> int:
    """These come on top, because an idle stream costs no more than its stack."""
    return _configured()


def for_slow_clients() -> int:
    """These come on top as well."""
    return _configured() // 2


def total() -> int:
    return for_triggers() + reserve() + for_streams() + for_slow_clients()


def _configured() -> int:
    return int(settings.UDAPI_WEB_THREADS)

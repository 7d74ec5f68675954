"""One process of the fleet at a time keeps the mirror. This saves work; what is written is right with two as well."""

import os
import socket
from datetime import timedelta

import psutil
from django.utils import timezone

from search.models import Mirror

LEASE_SECONDS = 15


def me() -> str:
    """This process: its machine, its number there, and when it began."""
    return f"{socket.gethostname()}/{os.getpid()}/{psutil.Process().create_time():.2f}"


def may_live(name: str) -> bool:
    """Whether the process of that name may still be there; of another machine nobody knows."""
    host, _, rest = name.partition("/")
    if host != socket.gethostname():
        return bool(name)
    number, _, began = rest.partition("/")
    try:
        return f"{psutil.Process(int(number)).create_time():.2f}" == began
    except (psutil.NoSuchProcess, ValueError):
        return False


def hold() -> bool:
    """Take the lease, or keep it; whether this process has it now."""
    mirror = Mirror.get()
    now = timezone.now()
    is_free = mirror.kept_until is None or mirror.kept_until < now or not may_live(mirror.keeper)
    if mirror.keeper != me() and not is_free:
        return False
    # Of two that find it free one comes late.
    unchanged = Mirror.objects.filter(pk=1, keeper=mirror.keeper, kept_until=mirror.kept_until)
    return bool(unchanged.update(keeper=me(), kept_until=now + timedelta(seconds=LEASE_SECONDS)))


def release() -> None:
    """Let another process take over at once."""
    Mirror.objects.filter(keeper=me()).update(keeper="", kept_until=None)

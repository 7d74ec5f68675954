"""The name of a process, by which others know whether it still lives."""

import os
import socket

import psutil


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

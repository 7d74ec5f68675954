"""The numbers of machines and worker nodes, assigned once and kept in the data directory."""

import fcntl
import logging
import socket
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import IntegrityError, models, transaction

from automation.models import WorkerNode

_log = logging.getLogger("udapi.manager")


class NodeNumber:
    """The number of a worker node of this machine, held as long as the process lives.

    The first node of a data directory gets the machine's own number, each further one the next stored number. With
    `UDAPI_NODE_ID`, every node has that.
    """

    def __init__(self) -> None:
        self._lock: IO[str] | None = None
        self.id = settings.UDAPI_NODE_ID or self._claim()
        _remember(self.id)

    def _claim(self) -> int:
        for file in _number_files():
            lock = file.with_suffix(".lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            self._lock = lock
            return _stored_id(file)
        raise AssertionError("there is always a next file")


def machine_id() -> int:
    """The number of this machine, assigned once: that of the web server and of the first node.

    0 while it cannot be read, so that errors can be answered even without a database.
    """
    try:
        return _machine_id()
    except (DatabaseError, OSError):
        _log.exception("the number of this machine cannot be read")
        return settings.UDAPI_NODE_ID or 0


@cache
def _machine_id() -> int:
    if settings.UDAPI_NODE_ID:
        _remember(settings.UDAPI_NODE_ID)
        return int(settings.UDAPI_NODE_ID)
    return _stored_id(next(_number_files()))


def _number_files() -> Iterator[Path]:
    directory: Path = settings.DATA_DIR.nodes_dir
    directory.mkdir(parents=True, exist_ok=True)
    number = 0
    while True:
        number += 1
        yield directory / f"node-{number}"


def _stored_id(file: Path) -> int:
    """The number in `file`, assigned now if there is none. Processes that start together wait for each other."""
    with file.open("a+") as content:
        fcntl.flock(content, fcntl.LOCK_EX)
        content.seek(0)
        text = content.read().strip()
        if text:
            return int(text)
        number = _assign()
        content.write(f"{number}\n")
        return number


def _assign() -> int:
    while True:
        highest = WorkerNode.objects.aggregate(highest=models.Max("id"))["highest"] or 0
        try:
            with transaction.atomic():
                return WorkerNode.objects.create(id=highest + 1, host=socket.gethostname()).id
        except IntegrityError:
            continue  # another machine has taken the number at the same moment


def _remember(number: int) -> None:
    WorkerNode.objects.get_or_create(id=number, defaults={"host": socket.gethostname()})

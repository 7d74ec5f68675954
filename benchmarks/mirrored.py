"""This process as a Django process of an installation with a mirror."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testbed.data_dir import make_data_dir, set_up_django
from testbed.elasticsearch import USER, Elasticsearch
from testbed.stack import Machine


@contextmanager
def elasticsearch() -> Iterator[Elasticsearch]:
    server = Elasticsearch()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def installation(directory: Path, url: str, password: str, name: str) -> Iterator[Machine]:
    """Migrate a database below `directory`, and give it a mirror of its own in the Elasticsearch at `url`.

    The machine starts the background programs, which keep the mirror.
    """
    mirror = {
        "ELASTICSEARCH_URL": url,
        "ELASTICSEARCH_USER": USER,
        "ELASTICSEARCH_PASSWORD": password,
        "ELASTICSEARCH_PREFIX": f"{name}-{os.getpid()}",
    }
    data_dir = make_data_dir(directory / "data")
    set_up_django(data_dir, **mirror)
    machine = Machine(data_dir, mirror)
    try:
        yield machine
    finally:
        machine.end()
        _delete_indices(mirror["ELASTICSEARCH_PREFIX"])


def _delete_indices(prefix: str) -> None:
    from search.connection import client

    for index in client().indices.get(index=f"{prefix}-*"):
        client().indices.delete(index=index)

"""The encoders of the demo, a library: `from scripts.encoders import changed_encoders, encoders`.

They are kept in one file of the state directory, which several scripts share.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Encoder = dict[str, str | int]


def encoders() -> dict[str, Encoder]:
    """All encoders by name."""
    file = _file()
    found: dict[str, Encoder] = json.loads(file.read_text()) if file.exists() else {}
    return found


@contextmanager
def changed_encoders() -> Iterator[dict[str, Encoder]]:
    """All encoders, to be changed. A lock keeps out other writers; readers see the old file or the new one."""
    file = _file()
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = encoders()
        yield known
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(known, indent=2))
        fresh.replace(file)


def _file() -> Path:
    return Path(os.environ["STATE_DIRECTORY"], "demo-encoders.json")

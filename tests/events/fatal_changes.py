"""A process that changes tokens and, if DEADLY is 1, is killed at a commit.

`python -m tests.events.fatal_changes SEED COUNT DEADLY`
"""

import os
import random
import signal
import sys
from collections.abc import Callable
from typing import Any

import django


def main(seed: int, count: int, is_deadly: bool) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "udapi_site.settings")
    django.setup()
    from django.db import connection

    from objects.changes import delete_checked, save_checked
    from testbed.changed import change
    from tokens.models import ApiToken

    chance = random.Random(seed)
    connection.ensure_connection()
    backend: Any = connection
    if is_deadly:
        backend._commit = deadly(backend._commit, chance)
    mine: list[ApiToken] = []
    for number in range(count):
        if not mine or chance.random() < 0.4:
            token = ApiToken(name=f"token {seed} {number}")
            token.set_secret(None)
            mine.append(save_checked(token, f"process {seed}"))
        elif chance.random() < 0.3:
            delete_checked(mine.pop(), f"process {seed}")
        else:
            change(chance.choice(mine), f"process {seed}")


def deadly(commit: Callable[[], None], chance: random.Random) -> Callable[[], None]:
    """Wraps `commit`: once, the process is killed right before or right after it."""
    left = chance.randint(10, 40)

    def commit_and_die() -> None:
        nonlocal left
        left -= 1
        if left == 0 and chance.random() < 0.5:
            os.kill(os.getpid(), signal.SIGKILL)
        commit()
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return commit_and_die


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1")

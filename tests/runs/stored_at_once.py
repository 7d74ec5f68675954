"""Storing the runs of a stack at once, instead of within a minute."""

import os
import subprocess

from testbed.stack import PYTHON, ROOT, Stack

STORE = """
import time
from runs import gaps, store
gaps.PATIENCE_SECONDS = 0
until = time.monotonic() + 8
while time.monotonic() < until:
    store.store_all()
    time.sleep(0.5)
"""


def store_at_once(stack: Stack) -> None:
    """Store the runs of a stack other than the tests' own, and count at once what is missing."""
    environment = {"PATH": os.environ["PATH"]} | stack.environment
    shell = [PYTHON, "manage.py", "shell", "-v0"]
    ran = subprocess.run(shell, cwd=ROOT, env=environment, input=STORE, text=True, capture_output=True)
    assert ran.returncode == 0, ran.stderr

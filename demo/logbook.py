"""Adds an entry to the shift's logbook. An existing script with `run(engine)`, published as it is."""

import datetime
import os
from pathlib import Path

from automation.sdk import Engine


def run(engine: Engine) -> None:
    """Read the script parameters `author` and `text`. The caller gets 200 with an empty body, or error 12."""
    author, text = (" ".join(engine.script_param(name).value.split()) for name in ("author", "text"))
    if not author or not text:
        engine.exit_fail("An entry needs an author and a text.")
    time = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    with Path(os.environ["STATE_DIRECTORY"], "demo-logbook.txt").open("a") as book:
        book.write(f"{time} {author}: {text}\n")
    engine.log(f"an entry by {author}")

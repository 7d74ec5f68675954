"""What the start shows on the terminal: one line a step, or the one sentence that ends it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StartError(Exception):
    """Why the start cannot go on; the text is a sentence for the operator that says what to do."""


def say(text: str) -> None:
    """Print `text` at once, also where the output is no terminal."""
    print(text, flush=True)


@contextmanager
def step(name: str) -> Iterator[Callable[[str], None]]:
    """Show `name` while the body works, then what came of it: what the body handed to the yielded function."""
    results: list[str] = []
    print(f"{name} … ", end="", flush=True)
    try:
        yield results.append
    except BaseException:
        results.append("failed")
        raise
    finally:
        say("; ".join(results))

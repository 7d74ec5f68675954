"""What the start shows on the terminal: one line for each step, or the sentence that ends it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class StartError(Exception):
    """Why the start cannot go on; the text tells the operator what to do."""


def say(text: str) -> None:
    """Print `text` at once, even where the output is not a terminal."""
    print(text, flush=True)


@contextmanager
def step(name: str) -> Iterator[Callable[[str], None]]:
    """Show `name` while the body works, then its result, which the body passes to the yielded function."""
    results: list[str] = []
    print(f"{name} … ", end="", flush=True)
    try:
        yield results.append
    except BaseException:
        results.append("failed")
        raise
    finally:
        say("; ".join(results))

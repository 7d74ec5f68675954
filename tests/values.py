"""Many values in one test."""

from collections.abc import Callable, Iterable
from functools import cache, wraps
from inspect import signature
from typing import Any


def for_each(names: str, values: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Call the test for every value, with the same fixtures, and name each value that fails.

    It is for values that leave nothing behind: what `parametrize` adds takes longer than a request. A generator is read
    when the test runs, so that the collection does not wait for it.
    """
    given = [name.strip() for name in names.split(",")]
    all_values = cache(lambda: list(values))

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def call_for_each(**fixtures: Any) -> None:
            failed = {}
            assert all_values()
            for value in all_values():
                arguments = dict(zip(given, value if len(given) > 1 else [value], strict=True))
                try:
                    test(**fixtures, **arguments)
                except AssertionError as error:
                    failed[repr(value)[:200]] = error
            if failed:
                told = "\n".join(f"{value}: {error}" for value, error in failed.items())
                raise AssertionError(told) from next(iter(failed.values()))

        whole = signature(test)
        kept = [parameter for name, parameter in whole.parameters.items() if name not in given]
        call_for_each.__signature__ = whole.replace(parameters=kept)  # type: ignore[attr-defined]
        return call_for_each

    return decorate

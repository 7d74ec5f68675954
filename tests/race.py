"""Writers that start at the same moment, each in a thread with a database connection of its own."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from unittest import mock

from django.core.exceptions import ValidationError
from django.db import connections, models

# A writer that waits for the lock of another cannot join the others.
MEETING_SECONDS = 0.3


def race(*writers: Callable[[], Any], meet_in: type[models.Model] | None = None) -> list[Any]:
    """Start `writers` at the same moment; returns what each of them returned or raised.

    With `meet_in`, objects of that model all pass their checks before any is saved, where locks allow it.
    """
    start = threading.Barrier(len(writers))

    def run(writer: Callable[[], Any]) -> Any:
        try:
            start.wait(10)
            return writer()
        finally:
            connections.close_all()

    with _meeting(meet_in, len(writers)), ThreadPoolExecutor(len(writers)) as threads:
        futures = [threads.submit(run, writer) for writer in writers]
    return [_outcome(future) for future in futures]


def refusals(outcomes: list[Any]) -> list[ValidationError]:
    """The refused changes among `outcomes`. Any other exception among them is raised."""
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, ValidationError):
            raise outcome
    return [outcome for outcome in outcomes if isinstance(outcome, ValidationError)]


@contextmanager
def _meeting(model: type[models.Model] | None, parties: int) -> Iterator[None]:
    if model is None:
        yield
        return
    everybody = threading.Barrier(parties)
    checked: Callable[..., None] = model.full_clean

    def full_clean(self: models.Model, *args: Any, **kwargs: Any) -> None:
        checked(self, *args, **kwargs)
        with suppress(threading.BrokenBarrierError):
            everybody.wait(MEETING_SECONDS)

    with mock.patch.object(model, "full_clean", full_clean):
        yield


def _outcome(future: "Future[Any]") -> Any:
    return future.exception() or future.result()

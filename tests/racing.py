"""Several writers at the same moment, each in a thread with a database connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from unittest import mock

from django.core.exceptions import ValidationError
from django.db import connections, models

# A writer that waits for the other's lock cannot come to the meeting.
MEETING_SECONDS = 0.3


def race(*writers: Callable[[], Any], meet_in: type[models.Model] | None = None) -> list[Any]:
    """What each of `writers` returned or raised, all begun at the same moment.

    With `meet_in`, objects of that model pass their checks together before any is saved, where locks allow it.
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
    """The refused changes among `outcomes`; whatever else was raised is raised here."""
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, ValidationError):
            raise outcome
    return [outcome for outcome in outcomes if isinstance(outcome, ValidationError)]


@contextmanager
def _meeting(model: type[models.Model] | None, parties: int):
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

"""Who acts, for changes of objects that do not say so themselves: users, groups and personal keys."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from access.authorship import SYSTEM


@dataclass(frozen=True, eq=False)
class Acting:
    """One thing that somebody does; whatever changes an object meanwhile is one change of it."""

    name: Callable[[], str]


_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)


def present() -> Acting | None:
    """What is being done right now; None in commands and the shell."""
    return _acting.get()


def who() -> str:
    """The user name of who acts, `system` where no user does."""
    acting = _acting.get()
    return SYSTEM if acting is None else acting.name()


@contextmanager
def acting_as(name: Callable[[], str]) -> Iterator[None]:
    """What is changed meanwhile, the user of this name does."""
    token = _acting.set(Acting(name))
    try:
        yield
    finally:
        _acting.reset(token)


class ActingMiddleware:
    """During a request its user acts, however and whenever they are recognised."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer."""
        with acting_as(lambda: _user_name(request)):
            return self._get_response(request)


def _user_name(request: HttpRequest) -> str:
    user: Any = getattr(request, "user", None)
    return user.get_username() if user is not None and user.is_authenticated else SYSTEM

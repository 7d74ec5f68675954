"""The acting user, for objects that do not record one themselves: users, groups and personal keys."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from objects.authorship import SYSTEM


@dataclass(frozen=True, eq=False)
class Acting:
    """One action of a user; all changes of an object during it count as one."""

    name: Callable[[], str]


_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)


def present() -> Acting | None:
    """The current action; None in commands and the shell."""
    return _acting.get()


def who() -> str:
    """The name of the user who acts; `system` in commands and the shell."""
    acting = _acting.get()
    return SYSTEM if acting is None else acting.name()


@contextmanager
def acting_as(name: Callable[[], str]) -> Iterator[None]:
    """Attribute every change inside the block to the user with this name."""
    token = _acting.set(Acting(name))
    try:
        yield
    finally:
        _acting.reset(token)


class ActingMiddleware:
    """Attributes the changes of a request to its user, whom the management API may authenticate only later."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting_as(lambda: _user_name(request)):
            return self._get_response(request)


def _user_name(request: HttpRequest) -> str:
    user: Any = getattr(request, "user", None)
    return user.get_username() if user is not None and user.is_authenticated else SYSTEM

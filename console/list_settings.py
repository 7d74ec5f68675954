"""Which columns a user has chosen for a list, and how many rows a page of it has: kept in a cookie of the browser."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse

COOKIE: Final = "console_lists"
SIZES: Final = (25, 50, 100, 250)
USUAL_SIZE: Final = 50
_YEAR_SECONDS: Final = 365 * 24 * 3_600
_LONGEST: Final = 3_000
"""Browsers refuse cookies of more than 4 KB."""


@dataclass(frozen=True)
class ListSettings:
    """No columns mean the usual ones."""

    columns: tuple[str, ...] = ()
    size: int = USUAL_SIZE

    @classmethod
    def of(cls, request: HttpRequest, name: str) -> Self:
        """What is chosen for the list `name`. Whatever else the cookie holds is ignored."""
        known = _read(request).get(name)
        if not isinstance(known, dict):
            return cls()
        columns, size = known.get("columns"), known.get("size")
        return cls(
            tuple(each for each in columns if isinstance(each, str)) if isinstance(columns, list) else (),
            size if type(size) is int and size in SIZES else USUAL_SIZE,
        )

    def with_sent(self, sent: QueryDict, available: Sequence[str]) -> "ListSettings":
        """These settings with what a form has sent."""
        size, columns = sent.get("size", ""), self.columns
        if "reset" in sent:
            columns = ()
        elif "columns_sent" in sent:
            chosen = set(sent.getlist("columns"))
            columns = tuple(name for name in available if name in chosen)
        return ListSettings(columns, int(size) if size in map(str, SIZES) else self.size)

    def keep(self, request: HttpRequest, response: HttpResponse, name: str) -> None:
        """Have the browser remember them for the list `name`, and forget the oldest ones if there are too many."""
        lists = {key: value for key, value in _read(request).items() if key != name}
        lists[name] = {"columns": list(self.columns), "size": self.size}
        while len(text := json.dumps(lists, separators=(",", ":"))) > _LONGEST and len(lists) > 1:
            del lists[next(iter(lists))]
        response.set_cookie(
            COOKIE,
            text,
            max_age=_YEAR_SECONDS,
            path=reverse("admin:index"),
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def _read(request: HttpRequest) -> Mapping[str, Any]:
    try:
        found = json.loads(request.COOKIES.get(COOKIE, ""))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

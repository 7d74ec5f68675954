"""What the console's scripts send to run something, and what they get."""

from collections.abc import Callable
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from django.core.exceptions import BadRequest, ValidationError
from django.http import HttpRequest, JsonResponse
from django.urls import reverse

from endpoint.trigger_message import TriggerAnswer
from runs.user_requests import UserRequest
from web.client_address import client_address

Pairs = list[tuple[str, str]]

RUN_ID: Final = "$ID"
"""What stands in an address for the id of a run that there is not yet."""


class AskedRun(msgspec.Struct, rename="camel", kw_only=True):
    """A run that a user asks for. `script_version` is None for the one that the API runs now."""

    method: str
    route: str = ""
    query: Pairs = []
    headers: Pairs = []
    raw_body: str = ""
    script_version: int | None = None

    def request(self, body: str | bytes) -> UserRequest:
        """What is sent, with this body: text or bytes."""
        text, data = ("", body) if isinstance(body, bytes) else (body, None)
        return UserRequest(self.method, self.query, self.headers, text, self.route, self.script_version, data)


_NO_RUN: Final = UUID(int=0)
Asked = TypeVar("Asked", bound=msgspec.Struct)


def address_of(page: str) -> str:
    """The address of a page of a run, whose id takes the place of `RUN_ID`."""
    return reverse(f"admin:{page}", args=[_NO_RUN]).replace(str(_NO_RUN), RUN_ID)


def read(request: HttpRequest, kind: type[Asked]) -> Asked:
    """What a script has sent.

    Raises:
        BadRequest: it is something else.
    """
    try:
        return msgspec.json.decode(request.body, type=kind)
    except msgspec.DecodeError as error:
        raise BadRequest(str(error)) from error


def sender(request: HttpRequest) -> dict[str, Any]:
    """Who runs something, as `runs.user_runs` takes it. A client that hangs up cancels the run."""
    return {
        "user": request.user.get_username(),
        "client_address": client_address(request),
        "caller": request.META.get("gunicorn.socket"),
    }


def answered(run: Callable[[], TriggerAnswer]) -> JsonResponse:
    """The answer of a run as `trigger/` gives it, with the id of the run; or why nothing was run."""
    try:
        answer = run()
    except ValidationError as refused:
        return refused_with(refused)
    return JsonResponse(answer.as_json() | {"id": answer.statistics.trigger_id})


def refused_with(refused: ValidationError) -> JsonResponse:
    """Why nothing was run, as the management API says it."""
    found = refused.error_dict if hasattr(refused, "error_dict") else {"": refused.error_list}
    errors = [
        {"reason": error.code, "field": name, "detail": " ".join(error.messages), **_plain(error.params)}
        for name, each in found.items()
        for error in each
    ]
    return JsonResponse({"errors": errors}, status=400)


def _plain(details: Any) -> dict[str, Any]:
    return {name: value for name, value in (details or {}).items() if isinstance(value, str | int)}

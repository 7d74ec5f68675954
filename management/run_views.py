"""`runs/`: what was called, by whom, what happened, and what the script logged."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from redis import RedisError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from access.policy import RUN, TOKEN, Action, allows
from management.errors import NotFoundError
from management.lists import only
from management.openapi import ID, Operation
from management.run_filters import PARAMETERS, page_wanted
from management.views import ManagementView
from objects.serializers import as_id, invalid_field
from runs import selection
from runs.bodies import bodies_of
from runs.models import Run
from runs.serializers import (
    BodiesSerializer,
    LogLineSerializer,
    RunDetailsSerializer,
    RunSerializer,
    as_bodies,
    as_dict,
    as_subscript,
)

_LARGEST_START = 2**31 - 1
_START = OpenApiParameter(
    "start",
    {"type": "integer", "minimum": 0, "maximum": _LARGEST_START, "default": 0},
    description="The first line wanted.",
)


class RunPageSerializer(serializers.Serializer[Any]):
    """A page of runs. `next` is the address of the page after it; follow it until it is null."""

    next = serializers.URLField(allow_null=True)
    results = RunSerializer(many=True)


class RunLogSerializer(serializers.Serializer[Any]):
    """Lines of the log. Unless the log `isOver`, there may be more of them later."""

    lines = LogLineSerializer(many=True)
    isOver = serializers.BooleanField()


class RunListView(ManagementView):
    """The runs that are kept."""

    actions: ClassVar[Mapping[str, Action]] = {}
    """The action by method; `view` for others."""
    operations: ClassVar = {"get": Operation("runs_list", "List runs", RunPageSerializer, parameters=PARAMETERS)}

    def needed(self, request: Request) -> tuple[str, Action]:
        return RUN, self.actions.get(str(request.method), "view")

    def get(self, request: Request) -> Response:
        """Newest first. A page with rare filters may hold fewer runs than `limit`, or none, and yet have a `next`."""
        wanted = page_wanted(request)
        found, before = selection.page(wanted.filters, wanted.before, wanted.size)
        address = request.build_absolute_uri()
        following = None if before is None else replace_query_param(address, "before", str(before))
        return Response({"next": following, "results": [_shown(run, request) for run in found]})


class RunView(ManagementView):
    """One run, also if it is not in the database yet."""

    actions: ClassVar[Mapping[str, Action]] = {}
    """The action by method; `view` for others."""
    operations: ClassVar = {"get": Operation("runs_retrieve", "Get a run", RunDetailsSerializer, parameters=(ID,))}

    def needed(self, request: Request) -> tuple[str, Action]:
        return RUN, self.actions.get(str(request.method), "view")

    def get(self, request: Request, key: str) -> Response:
        only(request, ())
        run = found_run(key)
        return Response(_shown(run, request) | {"log": _log_of(run), "subscripts": _subscripts(run)})


class RunLogView(ManagementView):
    needs = (RUN, "view")
    operations: ClassVar = {
        "get": Operation("runs_log", "Get the log of a run", RunLogSerializer, parameters=(ID, _START))
    }

    def get(self, request: Request, key: str) -> Response:
        """The lines from number `start` on. To follow a log, ask again with the number of lines that you have."""
        start = _start(request)
        lines, is_over = selection.log_lines(found_run(key), start)
        return Response({"lines": [line._asdict() for line in lines], "isOver": is_over})


class RunBodiesView(ManagementView):
    needs = (RUN, "view_bodies")
    operations: ClassVar = {
        "get": Operation(
            "runs_bodies", "Get what a run keeps of request and response", BodiesSerializer, parameters=(ID,)
        )
    }

    def get(self, request: Request, key: str) -> Response:
        """What the definition's `keepBodies` keeps, masked. If something is kept, the look leaves an event."""
        only(request, ())
        return Response(as_bodies(bodies_of(found_run(key), self.user_name)))


def found_run(key: str) -> Run:
    """The run of this id.

    Raises:
        NotFoundError: there is none.
    """
    run_id: UUID | None = as_id(key)
    run = run_id and selection.find(run_id)
    if not run:
        raise NotFoundError
    return run


def _shown(run: Run, request: Request) -> dict[str, Any]:
    return as_dict(run, with_token_name=allows(request.user, TOKEN, "view"))


def _log_of(run: Run) -> str:
    """The log as text; without that of a run that goes on, if Redis does not answer."""
    with suppress(RedisError):
        lines, _ = selection.log_lines(run)
        return "".join(f"{line.milliseconds}\t{line.text}\n" for line in lines)
    return ""


def _subscripts(run: Run) -> list[dict[str, Any]]:
    return [as_subscript(each) for each in selection.children(run)]


def _start(request: Request) -> int:
    text = only(request, (_START.name,)).get(_START.name, "0")
    # Python refuses to read thousands of digits.
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= _LARGEST_START):
        raise invalid_field(_START.name, "The parameter must be a whole number that is not negative.")
    return int(text)

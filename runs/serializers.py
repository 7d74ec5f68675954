"""Runs as JSON."""

import base64
import json
from collections.abc import Callable
from typing import Any, Final

from rest_framework import serializers

from automation.serializers import UsedLibrarySerializer
from fleet.kept_bodies import KeptRequest, KeptResponse, MaskedValue
from objects.serializers import Choice, Flag, Id, ListOf, Moment, Number, StrictSerializer, Text, TypedField, Values
from runs.bodies import KeptBodies
from runs.models import KINDS, STATUSES, Run


class Link(Id):
    """The id of another object, which may be gone; or null."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_null": True} | options)

    def value_of(self, instance: Any) -> str | None:  # type: ignore[override]
        found = getattr(instance, str(self.source))
        return None if found is None else str(found)


class RunLibraries(TypedField, serializers.ListField):
    """The libraries that the script was saved with."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"child": UsedLibrarySerializer()} | options)

    def value_of(self, instance: Run) -> list[Values]:
        return [{"name": name, "version": version} for name, version in instance.used_libraries().items()]


class LaterSerializer(StrictSerializer):
    """How a run ended after its caller had been told something else."""

    status = Choice(STATUSES)
    responseCode = Number(allow_null=True)
    errorCode = Number(allow_null=True)
    reason = Text()
    message = Text()

    def value_of(self, instance: Run) -> Values | None:
        known = json.loads(instance.later) if instance.later else None
        return known and {name: known.get(name, "") for name in self.properties}


class RunSerializer(StrictSerializer):
    """A run. What is not known, or does not apply, is null or empty."""

    id = Id()
    kind = Choice(KINDS)
    parentId = Link(help_text="Of a subscript, the run that began it. Of a replay, the run that it repeats.")
    definitionId = Link()
    route = Text(help_text="As defined.")
    calledRoute = Text(help_text="As called.")
    method = Text()
    scriptName = Text()
    scriptVersion = Number(allow_null=True, help_text="Null for unsaved source.")
    libraries = RunLibraries()
    tokenId = Link()
    tokenName = Text(required=False, help_text="The name at that time. Only for users who may view tokens.")
    user = Text(help_text="The user who ran it, if it was not a client with a token.")
    clientAddress = Text()
    node = Number(allow_null=True)
    acceptedAt = Moment()
    startedAt = Moment(allow_null=True)
    endedAt = Moment(allow_null=True)
    queueMilliseconds = Number(allow_null=True)
    runMilliseconds = Number(allow_null=True)
    status = Choice(STATUSES)
    responseCode = Number(allow_null=True, help_text="That of the script's response.")
    errorCode = Number(allow_null=True)
    reason = Text()
    message = Text(help_text="For the maintainer, with the traceback.")
    requestBytes = Number()
    responseBytes = Number()
    logTruncated = Flag(help_text="Whether the log is longer than the 64 KB that are kept.")
    notKeptWarm = Text(help_text="Why the process did not serve further runs; empty if it did.")
    later = LaterSerializer(source="*", allow_null=True)


class SubscriptSerializer(StrictSerializer):
    """A run that another run has begun."""

    id = Id()
    scriptName = Text()
    scriptVersion = Number(allow_null=True)
    status = Choice(STATUSES)


class RunDetailsSerializer(RunSerializer):
    """A run with its log and its subscripts."""

    log = Text(help_text="Each line with its milliseconds since the start and a tab before it.")
    subscripts = SubscriptSerializer(source="*", many=True, help_text="In the order in which they began.")


class LogLineSerializer(StrictSerializer):
    """What a script printed or logged, and how many milliseconds after its start."""

    milliseconds = Number()
    text = Text()


class MaskedValueSerializer(StrictSerializer):
    """A value that is shown as `•••`. In a JSON body, `name` is a pointer."""

    where = Choice(["query", "header", "body"])
    name = Text()


class _BodySerializer(StrictSerializer):
    body = Text(help_text="Empty if it is not UTF-8.")
    bodyBytes = Text(allow_null=True, help_text="In base64; null if the body is UTF-8.")
    isCut = Flag(help_text="Whether something is missing.")
    masked = MaskedValueSerializer(many=True, help_text="The first 100 masked values.")


class KeptRequestSerializer(_BodySerializer):
    """What is kept of a request; `query` and `headers` are pairs of a name and a value."""

    query = serializers.ListField(child=ListOf(child=Text(), min_length=2, max_length=2))
    headers = serializers.ListField(child=ListOf(child=Text(), min_length=2, max_length=2))
    contentType = Text()


class KeptResponseSerializer(_BodySerializer):
    """What is kept of a response; `headers` are lists of values by name."""

    responseCode = Number()
    headers = serializers.DictField(child=ListOf(child=Text()))


class BodiesSerializer(StrictSerializer):
    """What is kept of the request and the response of a run; null if nothing is."""

    request = KeptRequestSerializer(allow_null=True)
    response = KeptResponseSerializer(allow_null=True)


_with_token_names: Final[Callable[[Run], Values]] = RunSerializer().to_representation
as_subscript: Final[Callable[[Run], Values]] = SubscriptSerializer().to_representation


def as_dict(run: Run, *, with_token_name: bool) -> Values:
    shown = _with_token_names(run)
    return shown if with_token_name else {name: value for name, value in shown.items() if name != "tokenName"}


def as_bodies(kept: KeptBodies | None) -> Values:
    if kept is None:
        return {"request": None, "response": None}
    return {"request": _request(kept.request), "response": kept.response and _response(kept.response)}


def _request(kept: KeptRequest) -> Values:
    pairs = {"query": kept.query, "headers": kept.headers, "contentType": kept.content_type}
    return pairs | _body(kept.body, kept.binary) | {"isCut": kept.is_cut, "masked": _masked(kept.masked)}


def _response(kept: KeptResponse) -> Values:
    head = {"responseCode": kept.code, "headers": kept.headers}
    return head | _body(kept.body, kept.binary) | {"isCut": kept.is_cut, "masked": _masked(kept.masked)}


def _body(text: str | None, binary: bytes) -> Values:
    return {"body": text or "", "bodyBytes": None if text is not None else base64.b64encode(binary).decode()}


def _masked(values: list[MaskedValue]) -> list[Values]:
    return [{"where": value.where, "name": value.name} for value in values]

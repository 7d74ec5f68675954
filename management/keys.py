"""`keys/`: the user's own personal keys."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.texts import NAME_LENGTH
from keys.changes import create_key
from keys.models import DEFAULT_DAYS, LONGEST_DAYS, PersonalKey
from management.errors import NotFoundError
from management.fields import Moment, Number, Text, Values, as_id, read, utc
from management.openapi import ID, Operation
from management.pagination import PAGE_PARAMETERS, Pages, page_of
from management.query import only
from management.views import ManagementView


class KeySerializer(serializers.Serializer[Any]):
    """A personal key."""

    id = serializers.UUIDField(read_only=True)
    name = Text(max_length=NAME_LENGTH)
    createdAt = Moment()
    expiresAt = Moment()
    expiresInDays = Number(write_only=True, default=DEFAULT_DAYS, min_value=1, max_value=LONGEST_DAYS)


class NewKeySerializer(KeySerializer):
    """A personal key, and the key itself this once."""

    expiresInDays = None  # type: ignore[assignment]  # goes in alone
    key = Text(read_only=True)


class KeysView(ManagementView):
    """The user's own keys. Those of others are not here."""

    needs = None
    operations: ClassVar = {
        "get": Operation(page_of(KeySerializer), parameters=PAGE_PARAMETERS, id="keys_list"),
        "post": Operation(NewKeySerializer, KeySerializer, 201, id="keys_create"),
    }

    def get(self, request: Request) -> Response:
        """A page of them."""
        only(request, ("limit", "offset"))
        pages = Pages()
        return Response(pages.envelope([_answer(key) for key in pages.paginate_list(_own(request), request)]))

    def post(self, request: Request) -> Response:
        """A new key, shown this once."""
        values = read(KeySerializer(), request.data, {})
        made, key = create_key(request.user, values.get("name", ""), values.get("expiresInDays", DEFAULT_DAYS))
        return Response(_answer(made) | {"key": key}, status=201)


class KeyView(ManagementView):
    """One of the user's own keys."""

    needs = None
    operations: ClassVar = {"delete": Operation(None, status=204, parameters=(ID,), id="keys_destroy")}

    def delete(self, request: Request, key: str) -> Response:
        """The key opens nothing any more."""
        deleted, _ = _own(request).filter(public_id=as_id(key)).delete() if as_id(key) else (0, {})
        if not deleted:
            raise NotFoundError
        return Response(status=204)


def _own(request: Request) -> "QuerySet[PersonalKey]":
    own: QuerySet[PersonalKey] = PersonalKey.objects.filter(user=request.user)
    return own


def _answer(key: PersonalKey) -> Values:
    return {
        "id": str(key.public_id),
        "name": key.name,
        "createdAt": utc(key.created),
        "expiresAt": utc(key.expiry) if key.expiry else None,
    }

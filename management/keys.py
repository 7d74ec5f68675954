"""`keys/`: the user's own personal keys; superusers see and end those of all users."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import manages_people
from foundation.texts import NAME_LENGTH
from keys.changes import create_key, end_keys
from keys.models import DEFAULT_DAYS, LONGEST_DAYS, PersonalKey
from management.errors import NotFoundError
from management.fields import Moment, Number, Text, Values, as_id, read, utc
from management.openapi import ID, Operation
from management.pagination import PAGE_PARAMETERS, Pages, page_of
from management.query_string import only
from management.views import ManagementView

OWNER = OpenApiParameter("user", str, description="Only keys of the user of this name.")


class KeySerializer(serializers.Serializer[Any]):
    """A personal key."""

    id = serializers.UUIDField(read_only=True)
    name = Text(max_length=NAME_LENGTH)
    user = Text(read_only=True, help_text="The name of its owner.")
    createdAt = Moment()
    expiresAt = Moment()
    expiresInDays = Number(
        write_only=True,
        required=False,
        min_value=1,
        max_value=LONGEST_DAYS,
        help_text=f"{DEFAULT_DAYS} by default; a key that another key makes ends with that one at the latest.",
    )


class NewKeySerializer(KeySerializer):
    """A personal key, and the key itself this once."""

    expiresInDays = None  # type: ignore[assignment]  # goes in alone
    key = Text(read_only=True)


class KeysView(ManagementView):
    """Personal keys: the user's own, for superusers those of all users."""

    needs = None
    operations: ClassVar = {
        "get": Operation(page_of(KeySerializer), parameters=(*PAGE_PARAMETERS, OWNER), id="keys_list"),
        "post": Operation(NewKeySerializer, KeySerializer, 201, id="keys_create"),
    }

    def get(self, request: Request) -> Response:
        """A page of them."""
        query = only(request, ("limit", "offset", OWNER.name))
        keys = _visible(request).select_related("user")
        if OWNER.name in query:
            keys = keys.filter(user__username=query[OWNER.name])
        pages = Pages()
        return Response(pages.envelope([_answer(key) for key in pages.paginate_list(keys, request)]))

    def post(self, request: Request) -> Response:
        """A new key of the user, shown this once."""
        values = read(KeySerializer(), request.data, {})
        made_with = request.auth if isinstance(request.auth, PersonalKey) else None
        made, key = create_key(request.user, values.get("name", ""), values.get("expiresInDays"), made_with=made_with)
        return Response(_answer(made) | {"key": key}, status=201)


class KeyView(ManagementView):
    """One of the keys that the user may see."""

    needs = None
    operations: ClassVar = {"delete": Operation(None, status=204, parameters=(ID,), id="keys_destroy")}

    def delete(self, request: Request, key: str) -> Response:
        """The key opens nothing any more, nor do keys that were made with it."""
        found = _visible(request).filter(public_id=as_id(key))
        if not end_keys(found, f"by '{request.user.get_username()}'"):
            raise NotFoundError
        return Response(status=204)


def _visible(request: Request) -> "QuerySet[PersonalKey]":
    keys: QuerySet[PersonalKey] = PersonalKey.objects.all()
    return keys if manages_people(request.user) else keys.filter(user=request.user)


def _answer(key: PersonalKey) -> Values:
    return {
        "id": str(key.public_id),
        "name": key.name,
        "user": key.user.get_username(),
        "createdAt": utc(key.created),
        "expiresAt": utc(key.expiry) if key.expiry else None,
    }

"""`keys/`: the user's own personal keys; superusers see and end those of all users."""

from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import manages_people
from foundation.texts import NAME_LENGTH
from keys.changes import create_key, end_keys
from keys.models import DEFAULT_DAYS, LONGEST_DAYS, PersonalKey
from management.errors import NotFoundError
from management.lists import PAGE_NAMES, PAGE_PARAMETERS, only, page
from management.openapi import ID, LOCATION, Operation, page_of
from management.views import ManagementView, checked_values
from objects.serializers import Id, Moment, Number, StrictSerializer, Text, as_id

OWNER = OpenApiParameter("user", str, description="Only keys of the user of this name.")


class KeySerializer(StrictSerializer):
    """A personal key."""

    id = Id(source="public_id", read_only=True)
    name = Text(allow_blank=False, max_length=NAME_LENGTH)
    user = Text(source="user.username", read_only=True, help_text="The name of its owner.")
    createdAt = Moment(source="created")
    expiresAt = Moment(source="expiry")
    expiresInDays = Number(
        write_only=True,
        required=False,
        min_value=1,
        max_value=LONGEST_DAYS,
        help_text=f"{DEFAULT_DAYS} by default. A key created with another key does not outlive that one.",
    )


class NewKeySerializer(KeySerializer):
    """A personal key, and the key itself this once."""

    expiresInDays = None  # type: ignore[assignment]  # only in the request
    key = Text(read_only=True)


class KeysView(ManagementView):
    """Personal keys: the user's own, for superusers those of all users."""

    needs = None
    operations: ClassVar = {
        "get": Operation("keys_list", "List keys", page_of(KeySerializer), parameters=(*PAGE_PARAMETERS, OWNER)),
        "post": Operation("keys_create", "Create a key", NewKeySerializer, KeySerializer, 201, (LOCATION,)),
    }

    def get(self, request: Request) -> Response:
        """Your own; superusers get those of all users."""
        query = only(request, (*PAGE_NAMES, OWNER.name))
        keys = _visible(request).select_related("user")
        if OWNER.name in query:
            keys = keys.filter(user__username=query[OWNER.name])
        return Response(page(keys, request, KeySerializer))

    def post(self, request: Request) -> Response:
        """Create a key of your own, shown this once."""
        values = checked_values(KeySerializer, request)
        made_with = request.auth if isinstance(request.auth, PersonalKey) else None
        days = values.get("expires_in_days")
        made, key = create_key(request.user, values.get("name", ""), days, made_with=made_with)
        answer = KeySerializer().to_representation(made) | {"key": key}
        return Response(answer, status=201, headers={"Location": f"{request.path}{made.public_id}/"})


class KeyView(ManagementView):
    needs = None
    operations: ClassVar = {"delete": Operation("keys_destroy", "End a key", None, status=204, parameters=(ID,))}

    def delete(self, request: Request, key: str) -> Response:
        """The key stops working immediately, and so do keys created with it."""
        found = _visible(request).filter(public_id=as_id(key))
        if not end_keys(found, f"by '{self.user_name}'"):
            raise NotFoundError
        return Response(status=204)


def _visible(request: Request) -> "QuerySet[PersonalKey]":
    keys: QuerySet[PersonalKey] = PersonalKey.objects.all()
    return keys if manages_people(request.user) else keys.filter(user=request.user)

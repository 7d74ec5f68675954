"""Lists, counts and single objects: what definitions, tokens and scripts have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.viewsets import ViewSetMixin

from access.policy import Action, allows
from management.errors import NotFoundError, RefusedError, StaleError
from management.fields import Values, as_id, read
from management.filters import Filters
from management.openapi import ETAG, ID, IF_MATCH, CountSerializer, Operation, SerializerClass
from management.pagination import Pages, searched_page_of
from management.searching import search
from management.views import ManagementView
from objects.authorship import AuthoredModel
from objects.changes import delete_checked

Object = TypeVar("Object", bound=AuthoredModel)

_ACTIONS: Mapping[str, Action] = {"GET": "view", "HEAD": "view", "POST": "add", "DELETE": "delete"}


class ObjectViewSet(ViewSetMixin, ManagementView, ABC, Generic[Object]):
    """The addresses of one kind of object. Whoever may not read gets an object's id, and no more, as an answer."""

    model: type[Object]
    label: ClassVar[str]
    """How the policy calls the model."""
    serializer_class: SerializerClass
    operations: ClassVar[Mapping[str, Operation]]
    filters: ClassVar[Filters]
    content: ClassVar[Sequence[str]]
    """The fields of the model that a client fills in: a PUT starts with their defaults."""
    kind: ClassVar = ""
    """How the mirror calls the objects; nothing where it has none of them."""

    @abstractmethod
    def rows(self) -> "QuerySet[Object]":
        """All objects, with what an answer needs."""

    @abstractmethod
    def answers(self, objects: Sequence[Object]) -> list[Values]:
        """The objects as they are on the wire."""

    @abstractmethod
    def store(self, instance: Object, values: Values, by: str) -> None:
        """Fill `values` into `instance` and save it.

        Raises:
            ValidationError: a rule refuses it.
        """

    def needed(self, request: Request) -> tuple[str, Action]:
        """The action by method; what is done to an object is a change of it."""
        method = str(request.method)
        if method == "POST" and "key" in self.kwargs:
            return self.label, "change"
        return self.label, _ACTIONS.get(method, "change")

    def list(self, request: Request) -> Response:
        """A page of the objects that the filters let through."""
        self.filters.check(request, with_pages=True)
        pages = Pages()
        found = search(self.filters, self.rows(), request, self.kind)
        objects = pages.paginate_list(found.listed, request)
        highlights = found.highlights([str(each.pk) for each in objects])
        return Response(pages.envelope(self.answers(objects)) | highlights, headers=found.headers)

    def count(self, request: Request) -> Response:
        """How many objects the filters let through."""
        self.filters.check(request, with_pages=False)
        found = search(self.filters, self.rows(), request, self.kind)
        return Response({"count": found.rows.count()}, headers=found.headers)

    def retrieve(self, request: Request, key: str) -> Response:
        """One object."""
        return self.answer(self.find(key))

    def create(self, request: Request) -> Response:
        """A new object."""
        values = read(self.get_serializer(), request.data, {})
        instance = self.model()
        self.store(instance, values, self.user_name)
        return self.answer(instance, status=201)

    def update(self, request: Request, key: str) -> Response:
        """The object as the body has it; what the body leaves out gets its default."""
        self.receive(key)

        def replace(instance: Object) -> None:
            values = self.parse(instance)
            blank = self.model()
            for field in self.content:
                setattr(instance, field, getattr(blank, field))
            self.store(instance, self.blank_values() | values, self.user_name)

        return self.answer(self.change(key, replace))

    def partial_update(self, request: Request, key: str) -> Response:
        """The object with what the body names changed."""
        self.receive(key)
        return self.answer(
            self.change(key, lambda instance: self.store(instance, self.parse(instance), self.user_name))
        )

    def destroy(self, request: Request, key: str) -> Response:
        """The object is gone."""
        self.change(key, lambda instance: delete_checked(instance, self.user_name))
        return Response(status=204)

    def blank_values(self) -> Values:
        """What a PUT takes for granted beside the columns of the object."""
        return {}

    def parse(self, instance: Object) -> Values:
        """What the body says about `instance`.

        Raises:
            ValidationError: some of it cannot be meant.
        """
        return read(self.get_serializer(), self.request.data, self.answers([instance])[0])

    def change(self, key: str, do: Callable[[Object], Any]) -> Object:
        """`do` something to the object while its row is held, if it is in the version that the client has seen.

        Raises:
            NotFoundError: there is none.
            StaleError: `If-Match` names another version.
            RefusedError: a rule refuses the change.
        """
        with transaction.atomic():
            instance = self.hold(key)
            self._compare(instance)
            object_id = str(instance.pk)
            try:
                do(instance)
            except ValidationError as error:
                raise RefusedError(error, id=object_id) from error
        return instance

    def receive(self, key: str) -> None:
        """Read the body, which may come slowly, before any row is locked.

        Raises:
            NotFoundError: there is no such object.
            InvalidJsonError, RequestTooLargeError, UnsupportedMediaTypeError: it cannot be read.
        """
        self._find(self.model._base_manager.all(), key)
        _ = self.request.data

    def hold(self, key: str) -> Object:
        """The object, read anew with its row locked: of two changes that have seen the same version one comes late."""
        return self._find(self.model._base_manager.select_for_update(), key)

    def find(self, key: str) -> Object:
        """The object.

        Raises:
            NotFoundError: there is none.
        """
        return self._find(self.rows(), key)

    def _find(self, rows: "QuerySet[Object]", key: str) -> Object:
        object_id = as_id(key)
        found = rows.filter(pk=object_id).first() if object_id else None
        if found is None:
            raise NotFoundError
        return found

    def answer(self, instance: Object, status: int = 200, **shown: object) -> Response:
        """The object with its version; to who may not read no more than the id. `shown` comes on top."""
        if allows(self.request.user, self.label, "view"):
            content = self.answers([instance])[0]
        else:
            content = {"id": str(instance.pk)}
        return Response(content | shown, status=status, headers={"ETag": _etag(instance)})

    def get_serializer(self) -> Serializer[Any]:
        """What describes the objects."""
        return self.serializer_class()

    @property
    def user_name(self) -> str:
        """Who acts."""
        return str(self.request.user.get_username())

    def _compare(self, instance: Object) -> None:
        sent = self.request.META.get("HTTP_IF_MATCH", "*")
        known = {tag.strip() for tag in sent.split(",")}
        if not known & {"*", _etag(instance)}:
            raise StaleError


def _etag(instance: AuthoredModel) -> str:
    return f'"{instance.version}"'


def operations(
    kind: str, entry: SerializerClass, filters: Filters, made: SerializerClass | None = None, key: OpenApiParameter = ID
) -> dict[str, Operation]:
    """How the addresses of a kind of object are described; `made` is the answer to a new one, `key` what they go by."""
    changed = (key, IF_MATCH, ETAG)
    return {
        "list": Operation(searched_page_of(entry), parameters=filters.parameters(with_pages=True), id=f"{kind}_list"),
        "count": Operation(CountSerializer, parameters=filters.parameters(with_pages=False), id=f"{kind}_count"),
        "create": Operation(made or entry, entry, 201, (ETAG,), id=f"{kind}_create"),
        "retrieve": Operation(entry, parameters=(key, ETAG), id=f"{kind}_retrieve"),
        "update": Operation(entry, entry, parameters=changed, id=f"{kind}_update"),
        "partial_update": Operation(entry, entry, parameters=changed, id=f"{kind}_partial_update"),
        "destroy": Operation(None, status=204, parameters=(key, IF_MATCH), id=f"{kind}_destroy"),
    }


COLLECTION: dict[str, Any] = {"get": "list", "post": "create"}
COUNT: dict[str, Any] = {"get": "count"}
SINGLE: dict[str, Any] = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}

"""Lists, counts and single objects: what definitions, tokens and scripts have in common."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from access.policy import Action, allows
from management.errors import NotFoundError, RefusedError, StaleError
from management.lists import Found, ListQuery
from management.openapi import Operation
from management.pagination import PAGE_NAMES, Pages
from management.query_string import only
from management.views import ManagementView
from objects.authorship import AuthoredModel
from objects.changes import delete_checked, save_checked
from objects.filters import Filters
from objects.serializers import AuthoredSerializer, as_id

Object = TypeVar("Object", bound=AuthoredModel)

_ACTIONS: Mapping[str, Action] = {"GET": "view", "HEAD": "view", "POST": "add", "DELETE": "delete"}


class ObjectViewSet(ViewSetMixin, ManagementView, Generic[Object]):
    """The addresses of one type of object. A user who may not view objects is answered with ids only."""

    model: type[Object]
    label: ClassVar[str]
    """The policy's name for the model."""
    serializer_class: type[AuthoredSerializer]
    operations: ClassVar[Mapping[str, Operation]]
    filters: ClassVar[Filters]
    kind: ClassVar[str] = ""
    """The mirror's name for the objects; empty if they are not mirrored."""

    def needed(self, request: Request) -> tuple[str, Action]:
        """The action by method; a POST to an object changes it."""
        method = str(request.method)
        if method == "POST" and "key" in self.kwargs:
            return self.label, "change"
        return self.label, _ACTIONS.get(method, "change")

    def rows(self) -> "QuerySet[Object]":
        """All objects, with what an answer needs."""
        return self.model.objects.all()

    def save(self, serializer: AuthoredSerializer) -> Object:
        """Save what was sent.

        Raises:
            ValidationError: a rule refuses it.
        """
        saved: Object = save_checked(serializer.fill(), self.user_name)
        return saved

    def list(self, request: Request) -> Response:
        found = self._found(request, "ordering", *PAGE_NAMES)
        pages = Pages()
        objects = pages.paginate_list(found.rows, request)
        answer = pages.envelope(self.serializer_class(objects, many=True).data) | found.highlights(objects)
        return Response(answer, headers=found.headers)

    def count(self, request: Request) -> Response:
        found = self._found(request)
        return Response({"count": found.count()}, headers=found.headers)

    def retrieve(self, request: Request, key: str) -> Response:
        return self.answer(self.find(self.rows(), key))

    def create(self, request: Request) -> Response:
        return self.answer(self.save(self.checked()), status=201)

    def update(self, request: Request, key: str) -> Response:
        """Replace the object: what the body leaves out gets its default."""
        return self._save_changed(key, partial=False)

    def partial_update(self, request: Request, key: str) -> Response:
        return self._save_changed(key, partial=True)

    def destroy(self, request: Request, key: str) -> Response:
        self.change(key, lambda instance: delete_checked(instance, self.user_name))
        return Response(status=204)

    def find(self, rows: "QuerySet[Object]", key: str) -> Object:
        """The object.

        Raises:
            NotFoundError: it does not exist.
        """
        object_id = as_id(key)
        found = rows.filter(pk=object_id).first() if object_id else None
        if found is None:
            raise NotFoundError
        return found

    def checked(self, instance: Object | None = None, *, partial: bool = False) -> AuthoredSerializer:
        """The body, which has only properties of the right types.

        Raises:
            ValidationError: `InvalidField` for each that is not.
        """
        serializer = self.serializer_class(instance, data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return serializer

    def change(self, key: str, do: Callable[[Object], Any]) -> Object:
        """`do` something to the object while its row is locked, if it is in the version that the client has seen.

        Raises:
            NotFoundError: it does not exist.
            StaleError: `If-Match` names another version.
            RefusedError: a rule refuses the change.
        """
        with transaction.atomic():
            instance = self.find(self.model._base_manager.select_for_update(), key)
            _compare_version(instance, self.request)
            object_id = str(instance.pk)
            try:
                do(instance)
            except ValidationError as error:
                raise RefusedError(error, id=object_id) from error
        return instance

    def answer(self, instance: Object, status: int = 200, **shown: object) -> Response:
        """The object with its version, or only its id to a user who may not view it. `shown` is added to both."""
        may_view = allows(self.request.user, self.label, "view")
        content = self.serializer_class().to_representation(instance) if may_view else {"id": str(instance.pk)}
        headers = {"ETag": _etag(instance)}
        if status == 201:
            headers["Location"] = f"{self.request.path}{instance.pk}/"
        return Response(content | shown, status=status, headers=headers)

    def _found(self, request: Request, *more: str) -> Found:
        query = only(request, {*self.filters.by_name, "search", *more})
        return ListQuery(self.filters, query, request.user, self.kind).find(self.rows())

    def _save_changed(self, key: str, *, partial: bool) -> Response:
        # Read the body, which may arrive slowly, before any row is locked; but not for an object that does not exist.
        self.find(self.model._base_manager.all(), key)
        _ = self.request.data
        return self.answer(self.change(key, lambda instance: self.save(self.checked(instance, partial=partial))))


def _compare_version(instance: AuthoredModel, request: Request) -> None:
    known = {tag.strip() for tag in request.META.get("HTTP_IF_MATCH", "*").split(",")}
    if not known & {"*", _etag(instance)}:
        raise StaleError


def _etag(instance: AuthoredModel) -> str:
    return f'"{instance.version}"'


COLLECTION: dict[str, Any] = {"get": "list", "post": "create"}
COUNT: dict[str, Any] = {"get": "count"}
SINGLE: dict[str, Any] = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}

"""Lists, counts and single objects: what definitions, tokens and scripts have in common."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Generic, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSetMixin

from access.policy import Action, allows
from management.errors import NotFoundError, RefusedError, StaleError
from management.lists import PAGE_NAMES, only, page
from management.openapi import DRY_RUN, Operation
from management.views import ManagementView, checked_values
from objects.authorship import AuthoredModel
from objects.changes import delete_checked, save_checked
from objects.filters import Filters
from objects.serializers import AuthoredSerializer, StrictSerializer, as_id, invalid_field
from search.query import ELASTICSEARCH, Ranked, highlight, matching_ids

Object = TypeVar("Object", bound=AuthoredModel)

SOURCE_HEADER = "X-Search-Source"

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

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, ask the policy, and refuse a dry run of what cannot be tried: it would be done.

        Raises:
            ValidationError: `InvalidField`.
        """
        super().initial(request, *args, **kwargs)
        asked = request.query_params.getlist(DRY_RUN.name)
        if asked and request.method not in SAFE_METHODS:
            operation = self.operations.get(self.action)
            if operation is not None and DRY_RUN not in operation.parameters:
                raise invalid_field(DRY_RUN.name, "This request has no dry run: send it without the parameter.")
            if asked not in (["true"], ["false"]):
                raise invalid_field(DRY_RUN.name, "The parameter must be true or false.")

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
        rows, headers = self._found("ordering", *PAGE_NAMES)
        answer = page(rows, request, self.serializer_class)
        if headers.get(SOURCE_HEADER) == ELASTICSEARCH:
            ids = [each["id"] for each in answer["results"]]
            answer["highlights"] = highlight(self.kind, request.query_params["search"], request.user, ids)
        return Response(answer, headers=headers)

    def count(self, request: Request) -> Response:
        rows, headers = self._found()
        return Response({"count": rows.count() if isinstance(rows, QuerySet) else len(rows)}, headers=headers)

    def retrieve(self, request: Request, key: str) -> Response:
        return self.answer(self.find(self.rows(), key))

    def saved(self, serializer: AuthoredSerializer, status: int = 200) -> Response:
        """Save what was sent, and answer with the object."""
        return self.answer(self.save(serializer), status)

    def create(self, request: Request) -> Response:
        return self.saved(self.checked(), status=201)

    def update(self, request: Request, key: str) -> Response:
        """Replace the object: what the body leaves out gets its default."""
        return self._save_changed(key, partial=False)

    def partial_update(self, request: Request, key: str) -> Response:
        return self._save_changed(key, partial=True)

    def destroy(self, request: Request, key: str) -> Response:
        with self.changing(key) as instance:
            delete_checked(instance, self.user_name)
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

    @contextmanager
    def changing(self, key: str) -> Iterator[Object]:
        """The object in the revision that the client has seen, its row locked until all is committed.

        Raises:
            NotFoundError: it does not exist.
            StaleError: `If-Match` names another revision.
            RefusedError: a rule refuses the change.
        """
        with transaction.atomic():
            instance = self.find(self.model._base_manager.select_for_update(), key)
            compare_revision(instance, self.request)
            object_id = str(instance.pk)
            try:
                yield instance
            except ValidationError as error:
                raise RefusedError(error, id=object_id) from error

    def answer(self, instance: Object, status: int = 200, **shown: object) -> Response:
        """The object with its revision, or only its id to a user who may not view it. `shown` is added to both."""
        headers = {"ETag": _etag(instance)}
        if status == 201:
            headers["Location"] = f"{self.request.path}{instance.pk}/"
        return Response(self.visible(instance) | shown, status=status, headers=headers)

    def visible(self, instance: Object) -> dict[str, object]:
        """The object as JSON, or only its id to a user who may not view it."""
        may_view = allows(self.request.user, self.label, "view")
        return self.serializer_class().to_representation(instance) if may_view else {"id": str(instance.pk)}

    def _found(self, *more: str) -> tuple["QuerySet[Object] | Ranked", dict[str, str]]:
        """The objects asked for, and a header that says who searched: by relevance if the mirror has found them and no
        other order is asked for. The database has the last word.

        Raises:
            ValidationError: `InvalidField`, a parameter is unknown or cannot be read.
        """
        query = only(self.request, {*self.filters.by_name, "search", *more})
        term, order, values = query.get("search", ""), query.get("ordering"), self.filters.values(query)
        rows = self.filters.narrow(self.filters.ordered(self.rows(), order), values)
        result = matching_ids(self.kind, term, self.request.user, narrowed=values)
        headers = {SOURCE_HEADER: result.source} if term else {}
        if not result.is_from_mirror:
            return self.filters.search(rows, term), headers
        return (Ranked(rows, result.ids) if order is None else rows.filter(pk__in=result.ids)), headers

    def _save_changed(self, key: str, *, partial: bool) -> Response:
        # Read the body, which may arrive slowly, before any row is locked; but not for an object that does not exist.
        self.find(self.model._base_manager.all(), key)
        _ = self.request.data
        with self.changing(key) as instance:
            return self.saved(self.checked(instance, partial=partial))


class SwitchableViewSet(ObjectViewSet[Object]):
    """Objects that can be disabled, by their column `is_disabled`."""

    def enable(self, request: Request, key: str) -> Response:
        return self._switch(key, is_disabled=False)

    def disable(self, request: Request, key: str) -> Response:
        """Callers are refused from the next request on."""
        return self._switch(key, is_disabled=True)

    def _switch(self, key: str, *, is_disabled: bool) -> Response:
        checked_values(StrictSerializer, self.request)
        with self.changing(key) as instance:
            instance.is_disabled = is_disabled  # type: ignore[attr-defined]
            save_checked(instance, self.user_name)
        return self.answer(instance)


def compare_revision(instance: AuthoredModel, request: Request) -> None:
    """Check what the client has seen of the object.

    Raises:
        StaleError: `If-Match` names another revision.
    """
    known = {tag.strip() for tag in request.META.get("HTTP_IF_MATCH", "*").split(",")}
    if not known & {"*", _etag(instance)}:
        raise StaleError


def _etag(instance: AuthoredModel) -> str:
    return f'"{instance.revision}"'


COLLECTION: dict[str, Any] = {"get": "list", "post": "create"}
COUNT: dict[str, Any] = {"get": "count"}
SINGLE: dict[str, Any] = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}

"""How the views describe themselves in the OpenAPI document."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import getdoc
from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from automation.builds import BuildState
from management.lists import PAGE_PARAMETERS
from objects.filters import Filters

PREFIX: Final = "/api/management/"
SerializerClass = type[serializers.Serializer[Any]]

_ERRORS: Final[Mapping[int, str]] = {
    400: "The request is refused: `InvalidField`, `InvalidJson`, or the reason of a rule of the object.",
    401: "`NotAuthenticated`.",
    403: "`PermissionDenied`.",
    404: "`NotFound`.",
    409: "A conflict: `RouteInUse`, `TokenInUse`, `NameInUse`, `ScriptInUse`, `TooManyKeys`, `RunEnded`, "
    "`PackagesNotReady`.",
    411: "`LengthRequired`.",
    412: "`Stale`: the object is no longer in the revision that `If-Match` names.",
    413: "`BodyTooLarge`.",
    415: "`UnsupportedMediaType`.",
    429: "`TooManyAttempts`: too many log-ins have failed or are being checked right now; see `Retry-After`.",
    500: "`UnexpectedException`.",
    503: "`Unavailable`.",
}
_SECURITY_SCHEMES: Final = {
    "basic": {"type": "http", "scheme": "basic"},
    "personalKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Token`, a space and a personal key.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "Changes also need `X-CSRFToken`.",
    },
}
_ALWAYS: Final = (400, 401, 403, 429, 500, 503)
_WITH_BODY: Final = (409, 411, 413, 415)

IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `ETag` of the revision you have seen: if the object has changed since, nothing is done.",
)
ID: Final = OpenApiParameter("key", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH, description="The id.")
NAME: Final = OpenApiParameter("key", {"type": "string"}, OpenApiParameter.PATH, description="The name, or the id.")
NUMBER: Final = OpenApiParameter(
    "number", {"type": "integer", "minimum": 1}, OpenApiParameter.PATH, description="The number of the version."
)
BUILD_STATE: Final = OpenApiParameter(
    "state",
    {"type": "string", "enum": list(BuildState.values)},
    description="How far its packages are installed: Building, Ready or Failed.",
)
DRY_RUN: Final = OpenApiParameter(
    "dryRun",
    {"type": "boolean", "default": False},
    description="`true`: try everything, keep nothing, and answer 200 with the object as it would be.",
)
WITH: Final = OpenApiParameter(
    "with", {"type": "string", "format": "uuid"}, required=True, description="The id of the other run."
)
ETAG: Final = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="The revision of the object."
)
LOCATION: Final = OpenApiParameter(
    "Location", str, OpenApiParameter.HEADER, response=[201], description="The address of the new object."
)


class ErrorSerializer(serializers.Serializer[Any]):
    """Why a request was refused. Some reasons come with details, which are further properties."""

    reason = serializers.CharField()
    detail = serializers.CharField()


class ErrorListSerializer(serializers.Serializer[Any]):
    """The answer to a refused request."""

    errors = ErrorSerializer(many=True)  # type: ignore[assignment]  # DRF's metaclass moves it out of the way


class CountSerializer(serializers.Serializer[Any]):
    """The number of objects that match."""

    count = serializers.IntegerField()


def page_of(entry: SerializerClass, *, searched: bool = False) -> SerializerClass:
    """A page of `entry`; with `highlights` if the list is `searched` by the mirror."""
    parts: dict[str, Any] = {
        "__doc__": "A page of a list; `next` and `previous` are the addresses of the pages before and after it.",
        "count": serializers.IntegerField(),
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": entry(many=True),
    }
    if searched:
        texts = serializers.ListField(child=serializers.CharField())
        help_text = "With `search`, by id and property: what matches, as HTML with `<em>`."
        by_property = serializers.DictField(child=texts)
        parts["highlights"] = serializers.DictField(child=by_property, required=False, help_text=help_text)
    return type(entry.__name__.replace("Serializer", "PageSerializer"), (serializers.Serializer,), parts)


@dataclass(frozen=True)
class Operation:
    """What a view does with one method: its answer, its body, and its parameters; those in the path may be left out."""

    id: str
    summary: str
    answer: SerializerClass | type[str] | None
    body: SerializerClass | None = None
    status: int = 200
    parameters: Sequence[OpenApiParameter] = ()
    media_type: str = "application/json"
    errors: Sequence[int] = ()
    """Further statuses of errors."""


def operations(
    kind: str,
    entry: SerializerClass,
    filters: Filters,
    created: SerializerClass | None = None,
    key: OpenApiParameter = ID,
) -> dict[str, Operation]:
    """The operations on objects of one type; `created` is the answer to a new one, `key` is what addresses one."""
    noun = kind.removesuffix("s")
    narrowing, changing = filter_parameters(filters), (key, IF_MATCH, ETAG)
    listing = [*narrowing, ordering_parameter(filters.order), *PAGE_PARAMETERS]
    page = page_of(entry, searched=True)
    update = Operation(f"{kind}_update", f"Replace a {noun}", entry, entry, parameters=changing)
    return {
        "list": Operation(f"{kind}_list", f"List {kind}", page, parameters=listing),
        "count": Operation(f"{kind}_count", f"Count {kind}", CountSerializer, parameters=narrowing),
        "create": Operation(f"{kind}_create", f"Create a {noun}", created or entry, entry, 201, (ETAG, LOCATION)),
        "retrieve": Operation(f"{kind}_retrieve", f"Get a {noun}", entry, parameters=(key, ETAG)),
        "update": update,
        "partial_update": replace(update, id=f"{kind}_partial_update", summary=f"Change a {noun}"),
        "destroy": Operation(f"{kind}_destroy", f"Delete a {noun}", None, status=204, parameters=(key, IF_MATCH)),
    }


def change_of(kind: str, name: str, answer: SerializerClass, body: SerializerClass | None = None) -> Operation:
    """A POST that changes an object."""
    summary = f"{name.capitalize()} a {kind.removesuffix('s')}"
    return Operation(f"{kind}_{name}", summary, answer, body, parameters=(ID, IF_MATCH, ETAG))


def filter_parameters(filters: Filters) -> list[OpenApiParameter]:
    found = [
        OpenApiParameter(name, dict(field.schema), description=field.help_text or "")
        for name, (_, field) in filters.by_name.items()
    ]
    names = ", ".join(column.partition("__")[0] for column in filters.searched)
    return [*found, OpenApiParameter("search", str, description=f"Part of {names}; or an id.")]


def ordering_parameter(names: Iterable[str]) -> OpenApiParameter:
    name = f"-?({'|'.join(names)})"
    schema = {"type": "string", "pattern": f"^{name}(,{name})*$"}
    description = "One or more properties, separated by commas; `-` for descending."
    return OpenApiParameter("ordering", schema, description=description)


class ManagementSchema(AutoSchema):
    """Describes what a view does by its `operations`, keyed by action or method, and adds the errors."""

    @property
    def _action(self) -> str:
        return getattr(self.view, "action", None) or str(self.method).lower()

    @property
    def _operation(self) -> Operation:
        operations: Mapping[str, Operation] = self.view.operations  # type: ignore[attr-defined]
        return operations[self._action]

    def get_auth(self) -> list[dict[str, Any]]:
        return [{name: []} for name in ("personalKey", "basic", "session")]

    def get_operation_id(self) -> str:
        return self._operation.id

    def get_summary(self) -> str:
        return self._operation.summary

    def get_description(self) -> str:  # type: ignore[override]  # as drf-spectacular calls it
        """The docstring of the method; that of the class would be repeated by every operation."""
        return (getdoc(getattr(self.view, self._action)) or "").partition("\n\nRaises:")[0]

    def get_request_serializer(self) -> Any:
        return self._operation.body

    def get_response_serializers(self) -> Any:
        done = self._operation
        statuses = {done.status, 200} if DRY_RUN in done.parameters else {done.status}
        return {(status, done.media_type): done.answer for status in sorted(statuses)}

    def get_override_parameters(self) -> list[Any]:
        return list(self._operation.parameters)

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False  # A page is described as the object that it is.

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._error_statuses():
            answer = self._get_response_for_code(ErrorListSerializer, str(status), ["application/json"], direction)  # type: ignore[no-untyped-call]
            bodies.setdefault(str(status), answer | {"description": _ERRORS[status]})
        return dict(sorted(bodies.items()))

    def _error_statuses(self) -> list[int]:
        found = {*_ALWAYS, *self._operation.errors, *(_WITH_BODY if self.method in {"POST", "PUT", "PATCH"} else ())}
        if "{" in self.path:
            found.add(404)
        if IF_MATCH in self._operation.parameters:
            found |= {409, 412}
        return sorted(found)


def own_addresses(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Hook: describe the management API only."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith(PREFIX)]


def close_requests(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Hook: a body has no other properties than those described."""
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    return result


def share_errors(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Hook: describe each way to authenticate and each error once."""
    result["components"]["securitySchemes"] = _SECURITY_SCHEMES
    shared: dict[str, Any] = {}
    for path in result["paths"].values():
        for operation in path.values():
            for status in operation["responses"].keys() & {str(known) for known in _ERRORS}:
                shared[f"Error{status}"] = operation["responses"][status]
                operation["responses"][status] = {"$ref": f"#/components/responses/Error{status}"}
    result["components"]["responses"] = dict(sorted(shared.items()))
    return result

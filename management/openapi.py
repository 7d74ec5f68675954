"""How the views describe themselves in the OpenAPI document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

PREFIX: Final = "/api/management/"
SerializerClass = type[serializers.Serializer[Any]]

_ERRORS: Final[Mapping[int, str]] = {
    400: "Something in the request is refused: `InvalidField`, `InvalidJson`, or a rule of the object.",
    401: "`NotAuthenticated`.",
    403: "`PermissionDenied`.",
    404: "`NotFound`.",
    409: "A conflict with other objects: `RouteInUse`, `TokenInUse`, `NameInUse`, `ScriptInUse`, `TooManyKeys`.",
    411: "`LengthRequired`.",
    412: "`Stale`: the object is no longer in the version that `If-Match` names.",
    413: "`BodyTooLarge`.",
    415: "`UnsupportedMediaType`.",
    429: "`TooManyAttempts`: too many log-ins have failed or are being checked right now; see `Retry-After`.",
    500: "`UnexpectedException`.",
    503: "`Unavailable`.",
}
_ALWAYS: Final = (400, 401, 403, 429, 500, 503)
_WITH_BODY: Final = (409, 411, 413, 415)

IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The `ETag` that you have seen: when somebody has changed the object since, nothing is done.",
)
ID: Final = OpenApiParameter("key", {"type": "string", "format": "uuid"}, OpenApiParameter.PATH, description="The id.")
NAME: Final = OpenApiParameter(
    "key", {"type": "string"}, OpenApiParameter.PATH, description="The name; an id where no script has it as its name."
)
ETAG: Final = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="The version of the object."
)


class ErrorSerializer(serializers.Serializer[Any]):
    """Why a request was refused; beside these two there may be details, named as in the contract."""

    reason = serializers.CharField()
    detail = serializers.CharField()


class ErrorsSerializer(serializers.Serializer[Any]):
    """The answer to a request that was refused."""

    errors = ErrorSerializer(many=True)  # type: ignore[assignment]  # what DRF has by this name is not asked for here


class CountSerializer(serializers.Serializer[Any]):
    """How many."""

    count = serializers.IntegerField()


@dataclass(frozen=True)
class Operation:
    """What a view does with one method: what it answers, what it takes, and what may stand in the query string."""

    answer: SerializerClass | None
    body: SerializerClass | None = None
    status: int = 200
    parameters: Sequence[OpenApiParameter] = ()
    id: str = ""


class ManagementSchema(AutoSchema):
    """Describes an operation by the view's `operations`, else as DRF would; errors are added to all."""

    def get_operation_id(self) -> str:
        """`tokens_rotate`."""
        described = self._described()
        return described.id if described and described.id else str(super().get_operation_id())

    def get_request_serializer(self) -> Any:
        """What the body is."""
        described = self._described()
        return described.body if described else super().get_request_serializer()

    def get_response_serializers(self) -> Any:
        """What the answer is when all goes well."""
        described = self._described()
        return {described.status: described.answer} if described else super().get_response_serializers()

    def get_override_parameters(self) -> list[Any]:
        """The parameters beside those of the path."""
        described = self._described()
        return list(described.parameters) if described else super().get_override_parameters()

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False  # A page is described as the object that it is.

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._error_statuses():
            answer = self._get_response_for_code(ErrorsSerializer, str(status), ["application/json"], direction)  # type: ignore[no-untyped-call]
            bodies.setdefault(str(status), answer | {"description": _ERRORS[status]})
        return dict(sorted(bodies.items()))

    def _error_statuses(self) -> list[int]:
        found = [*_ALWAYS, *(_WITH_BODY if self.method in {"POST", "PUT", "PATCH"} else ())]
        described = self._described()
        if "{" in self.path:
            found.append(404)
        if described and IF_MATCH in described.parameters:
            found += [409, 412]
        return sorted(set(found))

    def _described(self) -> Operation | None:
        known: Mapping[str, Operation] = getattr(self.view, "operations", {})
        return known.get(getattr(self.view, "action", None) or str(self.method).lower())


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Personal keys."""

    target_class = "management.authentication.KeyAuthentication"
    name = "personalKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A header with a scheme of its own."""
        description = "`Token`, a blank, and a personal key of `keys/`."
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": description}


class BasicScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """User name and password."""

    target_class = "management.authentication.BasicAuthentication"
    name = "basic"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """HTTP Basic."""
        return {"type": "http", "scheme": "basic"}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The session of a browser."""

    target_class = "management.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The session's cookie; changes need the header `X-CSRFToken` too."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid", "description": "With `X-CSRFToken`."}


def own_addresses(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Hook: the management API alone is described here."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith(PREFIX)]


def close_requests(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Hook: a body has no properties beside those that are described."""
    for name, schema in result["components"]["schemas"].items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
    return result


def share_errors(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Hook: the answers that many operations have in common are written down once."""
    shared = result["components"].setdefault("responses", {})
    for path in result["paths"].values():
        for operation in path.values():
            for status in operation["responses"].keys() & {str(known) for known in _ERRORS}:
                shared[f"Error{status}"] = operation["responses"][status]
                operation["responses"][status] = {"$ref": f"#/components/responses/Error{status}"}
    result["components"]["responses"] = dict(sorted(shared.items()))
    return result

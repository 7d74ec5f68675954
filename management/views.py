"""What the views of the management API have in common."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpResponseBase
from django.urls import resolve
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.policy import Action
from access.rest import PolicyPermission
from management import errors
from management.authentication import BasicAuthentication, KeyAuthentication, SessionAuthentication, is_browser
from management.wire import JsonOnly, JsonParser, JsonRenderer
from objects.serializers import StrictSerializer
from web.errors import LengthRequiredError

KEY_CHALLENGE = 'Token realm="User-Defined APIs"'
CHALLENGE = f'{KEY_CHALLENGE}, Basic realm="User-Defined APIs", charset="UTF-8"'


class ManagementView(APIView):
    """Authenticates, asks the policy, reads and answers JSON, and renders errors as `{"errors": […]}`."""

    authentication_classes: Sequence[type[BaseAuthentication]] = (
        KeyAuthentication,
        BasicAuthentication,
        SessionAuthentication,
    )
    permission_classes: Any = (PolicyPermission,)
    parser_classes = (JsonParser,)
    renderer_classes = (JsonRenderer,)
    content_negotiation_class = JsonOnly
    throttle_classes = ()
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    needs: ClassVar[tuple[str, Action] | None]
    """The policy's label and the action that a user needs; None if every user may."""

    @property
    def user_name(self) -> str:
        return str(self.request.user.get_username())

    def needed(self, request: Request) -> tuple[str, Action] | None:
        """What a user needs for this request, as `needs`."""
        return self.needs

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate and ask the policy.

        Raises:
            LengthRequiredError: the body is chunked.
        """
        super().initial(request, *args, **kwargs)
        # Django reads `CONTENT_LENGTH` bytes: a chunked body would look empty.
        if "HTTP_TRANSFER_ENCODING" in request.META:
            raise LengthRequiredError

    def get_exception_handler(self) -> Any:
        return errors.handle

    def get_authenticate_header(self, request: Request) -> str:
        """The challenge of a 401; for browsers without Basic, because they would add the password to every request."""
        return KEY_CHALLENGE if is_browser(request) else CHALLENGE

    def finalize_response(self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def checked_values(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """The body, which has only properties that `serializer` declares, by column.

    Raises:
        ValidationError: `InvalidField` for each other property, and for each of the wrong type.
    """
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    values: dict[str, Any] = body.validated_data
    return values


class NotFoundView(ManagementView):
    """Every other address below `/api/management`."""

    needs = None
    schema = None

    def missing(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        # Unauthenticated clients never get here, and so learn nothing about addresses.
        if not request.path.endswith("/") and resolve(f"{request.path}/").func.cls is not NotFoundView:  # type: ignore[attr-defined]
            raise errors.NotFoundError("The address must end with a slash.")
        raise errors.NotFoundError

    get = head = post = put = patch = delete = missing
    http_method_not_allowed = missing  # type: ignore[assignment]

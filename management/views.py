"""What every view of the management API has in common."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.http import HttpResponseBase
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from access.policy import Action
from access.rest import PolicyPermission
from management import errors
from management.authentication import BasicAuthentication, KeyAuthentication, SessionAuthentication
from management.browsers import is_browser
from management.openapi import ManagementSchema
from management.wire import JsonOnly, JsonParser, JsonRenderer
from web.errors import LengthRequiredError

KEY_CHALLENGE = 'Token realm="User-Defined APIs"'
CHALLENGE = f'{KEY_CHALLENGE}, Basic realm="User-Defined APIs", charset="UTF-8"'


class ManagementView(APIView):
    """Logs in, asks the policy, takes and answers JSON, and renders every error in the one form."""

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
    schema: Any = ManagementSchema()

    needs: ClassVar[tuple[str, Action] | None]
    """Whom it lets in: the model and the action that the policy is asked about; None for every user."""

    def needed(self, request: Request) -> tuple[str, Action] | None:
        """What the policy is asked about for this request."""
        return self.needs

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who calls, and may he; a body without an announced length would look like none.

        Raises:
            LengthRequiredError: the body is chunked.
        """
        super().initial(request, *args, **kwargs)
        if "HTTP_TRANSFER_ENCODING" in request.META:
            raise LengthRequiredError

    def get_exception_handler(self) -> Any:
        """The management API's own."""
        return errors.handle

    def get_authenticate_header(self, request: Request) -> str:
        """The challenge of a 401. A browser is not asked for a password, which it would send again for any page."""
        return KEY_CHALLENGE if is_browser(request) else CHALLENGE

    def finalize_response(self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any) -> Any:
        """Nothing of it is kept by a cache."""
        response = super().finalize_response(request, response, *args, **kwargs)  # type: ignore[arg-type]
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class NotFoundView(ManagementView):
    """Every other address below `/api/management`."""

    needs = None
    schema = None

    def missing(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """404, whatever the method."""
        raise errors.NotFoundError

    get = head = post = put = patch = delete = missing
    http_method_not_allowed = missing  # type: ignore[assignment]

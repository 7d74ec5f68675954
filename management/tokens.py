"""`tokens/`: the tokens, their secrets, and switching them off and on."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import TOKEN
from management.errors import errors_of
from management.object_views import ObjectViewSet
from management.openapi import change_of, operations
from management.views import checked_values
from objects.changes import save_checked
from objects.serializers import AuthoredSerializer, StrictSerializer
from search.models import TOKENS
from tokens.filters import TOKEN_FILTERS
from tokens.models import ApiToken
from tokens.serializers import NewSecretSerializer, TokenSerializer, TokenWithSecretSerializer


class TokenViewSet(ObjectViewSet[ApiToken]):
    """API tokens. A secret is shown once, in the answer that creates or rotates it."""

    model = ApiToken
    label = TOKEN
    kind = TOKENS
    serializer_class = TokenSerializer
    filters = TOKEN_FILTERS
    operations: ClassVar = operations("tokens", TokenSerializer, filters, created=TokenWithSecretSerializer) | {
        "rotate": change_of("tokens", "rotate", TokenWithSecretSerializer, NewSecretSerializer),
        "enable": change_of("tokens", "enable", TokenSerializer),
        "disable": change_of("tokens", "disable", TokenSerializer),
    }

    def save(self, serializer: AuthoredSerializer) -> ApiToken:
        token: ApiToken = serializer.fill()
        if (secret := serializer.validated_data.get("secret")) is not None:
            _set_secret(token, secret)
        return save_checked(token, self.user_name)

    def create(self, request: Request) -> Response:
        serializer = self.checked()
        token: ApiToken = serializer.fill()
        secret = _set_secret(token, serializer.validated_data.get("secret"))
        return self.answer(save_checked(token, self.user_name), status=201, secret=secret)

    def rotate(self, request: Request, key: str) -> Response:
        """Replace the secret; the current one stops working immediately."""
        wanted = checked_values(NewSecretSerializer, request).get("secret")
        shown = []

        def rotated(token: ApiToken) -> None:
            shown.append(_set_secret(token, wanted))
            save_checked(token, self.user_name)

        token = self.change(key, rotated)
        return self.answer(token, secret=shown[0])

    def enable(self, request: Request, key: str) -> Response:
        return self._switch(key, is_disabled=False)

    def disable(self, request: Request, key: str) -> Response:
        """Refuse requests with this token at once."""
        return self._switch(key, is_disabled=True)

    def _switch(self, key: str, *, is_disabled: bool) -> Response:
        checked_values(StrictSerializer, self.request)

        def switched(token: ApiToken) -> None:
            token.is_disabled = is_disabled
            save_checked(token, self.user_name)

        return self.answer(self.change(key, switched))


def _set_secret(token: ApiToken, secret: str | None) -> str:
    """Give the token this secret, or a generated one, and return it.

    Raises:
        ValidationError: `InvalidSecret`, and all other faults of the token.
    """
    try:
        return token.set_secret(secret)
    except ValidationError as malformed:
        raise ValidationError([malformed, *errors_of(token)]) from malformed

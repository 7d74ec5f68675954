"""`definitions/` and `tokens/`: what each adds to the addresses of its objects."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import DEFINITION, TOKEN
from definitions.changes import save_definition
from definitions.filters import ALLOWED_COUNT, DEFINITION_FILTERS
from definitions.models import AllowedToken, ApiDefinition
from definitions.serializers import DefinitionSerializer
from management.object_views import SwitchableViewSet
from management.openapi import change_of, operations
from management.views import checked_values
from objects.changes import save_checked
from objects.serializers import AuthoredSerializer
from search.models import DEFINITIONS, TOKENS
from tokens.filters import TOKEN_FILTERS
from tokens.models import ApiToken
from tokens.serializers import NewSecretSerializer, TokenSerializer, TokenWithSecretSerializer


class DefinitionViewSet(SwitchableViewSet[ApiDefinition]):
    """API definitions."""

    model = ApiDefinition
    label = DEFINITION
    kind = DEFINITIONS
    serializer_class = DefinitionSerializer
    filters = DEFINITION_FILTERS
    operations: ClassVar = operations("definitions", DefinitionSerializer, filters) | {
        "enable": change_of("definitions", "enable", DefinitionSerializer),
        "disable": change_of("definitions", "disable", DefinitionSerializer),
    }

    def rows(self) -> "QuerySet[ApiDefinition]":
        """All definitions with the names of their scripts."""
        allowed = AllowedToken.objects.filter(definition=OuterRef("pk")).order_by().values("definition")
        count = Coalesce(Subquery(allowed.annotate(count=Count("pk")).values("count")), 0)
        named = ApiDefinition.objects.defer("script").annotate(script_name=F("script__name"))
        return named.alias(**{ALLOWED_COUNT: count})

    def save(self, serializer: AuthoredSerializer) -> ApiDefinition:
        allowed_tokens = serializer.validated_data.get("allowed_tokens")
        return save_definition(serializer.fill(), self.user_name, allowed_tokens)


class TokenViewSet(SwitchableViewSet[ApiToken]):
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
        with self.changing(key) as token:
            secret = _set_secret(token, wanted)
            save_checked(token, self.user_name)
        return self.answer(token, secret=secret)


def _set_secret(token: ApiToken, secret: str | None) -> str:
    """Give the token this secret, or a generated one, and return it.

    Raises:
        ValidationError: `InvalidSecret`, and all other faults of the token.
    """
    try:
        return token.set_secret(secret)
    except ValidationError as malformed:
        faults = [malformed]
        try:
            token.clean()
        except ValidationError as others:
            faults.append(others)
        raise ValidationError(faults) from malformed

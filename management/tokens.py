"""`tokens/`: the tokens, their secrets, and switching them off and on."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from access.policy import TOKEN
from foundation.texts import NAME_LENGTH
from management.errors import errors_of
from management.fields import (
    Authored,
    Flag,
    MovingMoment,
    Number,
    OptionalPart,
    Part,
    Text,
    Values,
    authorship,
    read,
    utc,
)
from management.filters import FLAG, TEXT, Filters
from management.object_views import ObjectViewSet, operations
from management.openapi import ETAG, ID, IF_MATCH, Operation
from objects.changes import save_checked
from search.models import TOKENS
from tokens.models import LARGEST_LIMIT, LONGEST_WINDOW_SECONDS, ApiToken
from tokens.secrets import LONGEST, SHORTEST


class RateLimit(OptionalPart):
    """How many requests a sliding window takes."""

    limit = Number(min_value=1, max_value=LARGEST_LIMIT)
    windowSeconds = Number(min_value=1, max_value=LONGEST_WINDOW_SECONDS)

    def read(self, value: object) -> Values | None:  # type: ignore[override]
        """Both numbers. A number that is missing or none is for the rule of rate limits to refuse."""
        if not isinstance(value, dict) or value.keys() - self.fields.keys():
            return super().read(value)
        return {name: _number(value.get(name)) for name in ("limit", "windowSeconds")}


_SECRET = {
    "write_only": True,
    "required": False,
    "allow_null": True,
    "allow_blank": False,
    "min_length": SHORTEST,
    "max_length": LONGEST,
    "validators": [RegexValidator(r"^[A-Za-z0-9_\-.=+/]*$")],
}


class Secret(Text):
    """A secret goes in, and never comes out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**_SECRET | kwargs)

    def read(self, value: object) -> str | None:
        """The secret, None where the client has given none."""
        return None if value is None else super().read(value)


class TokenSerializer(Authored):
    """An API token."""

    name = Text(max_length=NAME_LENGTH)
    isDisabled = Flag(default=False)
    rateLimit = RateLimit(default=None)
    lastUsed = MovingMoment()
    secret = Secret()


class NewSecretSerializer(serializers.Serializer[Any]):
    """The secret that a token is to have; without one it is generated."""

    secret = Secret()


class TokenWithSecretSerializer(TokenSerializer):
    """An API token, and its secret this once."""

    secret = Text(read_only=True)  # type: ignore[assignment]


class TokenViewSet(ObjectViewSet[ApiToken]):
    """API tokens. A secret is shown once, in the answer that makes the token or rotates it."""

    model = ApiToken
    label = TOKEN
    kind = TOKENS
    serializer_class = TokenSerializer
    content: ClassVar = ("name", "is_disabled", "rate_limit", "rate_window_seconds")
    filters = Filters(
        own={"name": ("name", TEXT), "isDisabled": ("is_disabled", FLAG)},
        order={"name": "name", "isDisabled": "is_disabled"},
        searched=("name",),
        default="name",
    )
    operations: ClassVar = operations("tokens", TokenSerializer, filters, TokenWithSecretSerializer) | {
        "rotate": Operation(
            TokenWithSecretSerializer, NewSecretSerializer, parameters=(ID, IF_MATCH, ETAG), id="tokens_rotate"
        ),
        "enable": Operation(TokenSerializer, parameters=(ID, IF_MATCH, ETAG), id="tokens_enable"),
        "disable": Operation(TokenSerializer, parameters=(ID, IF_MATCH, ETAG), id="tokens_disable"),
    }

    def rows(self) -> "QuerySet[ApiToken]":
        """All tokens."""
        return ApiToken.objects.all()

    def answers(self, objects: Sequence[ApiToken]) -> list[Values]:
        """The tokens as they are on the wire."""
        return [_answer(token) for token in objects]

    def store(self, instance: ApiToken, values: Values, by: str) -> None:
        """Fill in, and save; a secret that is given becomes the token's."""
        _fill(instance, values)
        if values.get("secret") is not None:
            _set_secret(instance, values["secret"])
        save_checked(instance, by)

    def create(self, request: Request) -> Response:
        """A new token, with its secret this once."""
        values = read(self.get_serializer(), request.data, {})
        token = ApiToken()
        _fill(token, values)
        secret = _set_secret(token, values.get("secret"))
        save_checked(token, self.user_name)
        return self.answer(token, status=201, secret=secret)

    def rotate(self, request: Request, key: str) -> Response:
        """The token has a new secret, shown this once; the old one opens nothing any more."""
        values = read(NewSecretSerializer(), request.data, {})
        shown = []

        def rotated(token: ApiToken) -> None:
            shown.append(_set_secret(token, values.get("secret")))
            save_checked(token, self.user_name)

        token = self.change(key, rotated)
        return self.answer(token, secret=shown[0])

    def enable(self, request: Request, key: str) -> Response:
        """The token opens what allows it."""
        return self._switch(key, is_disabled=False)

    def disable(self, request: Request, key: str) -> Response:
        """The token opens nothing, from the very next request on."""
        return self._switch(key, is_disabled=True)

    def _switch(self, key: str, *, is_disabled: bool) -> Response:
        read(Part(), self.request.data, {})

        def switched(token: ApiToken) -> None:
            token.is_disabled = is_disabled
            save_checked(token, self.user_name)

        return self.answer(self.change(key, switched))


def _answer(token: ApiToken) -> Values:
    limit = {"limit": token.rate_limit, "windowSeconds": token.rate_window_seconds}
    return {
        "id": str(token.pk),
        "name": token.name,
        "isDisabled": token.is_disabled,
        "rateLimit": limit if token.rate_limit is not None else None,
        "lastUsed": utc(token.last_used) if token.last_used else None,
    } | authorship(token)


def _fill(token: ApiToken, values: Values) -> None:
    token.name = values.get("name", token.name)
    token.is_disabled = values.get("isDisabled", token.is_disabled)
    if "rateLimit" in values:
        limit = values["rateLimit"] or {"limit": None, "windowSeconds": None}
        token.rate_limit, token.rate_window_seconds = limit["limit"], limit["windowSeconds"]


def _set_secret(token: ApiToken, secret: str | None) -> str:
    """The token's new secret.

    Raises:
        ValidationError: `InvalidSecret`, and whatever else is wrong with the token.
    """
    try:
        return token.set_secret(secret)
    except ValidationError as malformed:
        raise ValidationError([malformed, *errors_of(token)]) from malformed


def _number(value: object) -> object:
    """A whole number as it is; 0, which no rule takes, for everything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0

"""Who calls: the Bearer secret of a request, and the token it belongs to."""

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from definitions.lookups import TokenRow, find_token
from endpoint import errors
from tokens import peppers, secrets


class BearerAuthentication(BaseAuthentication):
    """Puts the token's row into `request.auth`; a token belongs to no user."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, TokenRow]:
        """The token of the request, by the secret in its header.

        Raises:
            AuthenticationHeaderInvalidError: there is no usable header.
            AuthenticationFailedError: the secret is empty, malformed, unknown or disabled.
        """
        header = request.META.get("HTTP_AUTHORIZATION", "")
        scheme, _, secret = header.partition(" ")
        # gunicorn joins repeated headers with a comma, which no secret contains.
        if scheme.lower() != "bearer" or "," in header:
            raise errors.AuthenticationHeaderInvalidError
        return AnonymousUser(), token_of(secret.strip(" \t"))


def token_of(secret: str) -> TokenRow:
    """The enabled token with this secret, read anew for every trigger.

    Raises:
        AuthenticationFailedError: there is none.
    """
    if not secrets.is_well_formed(secret):
        raise errors.InvalidSecretError("the secret is empty or malformed")
    token = find_token(list(peppers.digests(secret).values()))
    if token is None:
        raise errors.TokenNotFoundError("no token has this secret")
    if token.is_disabled:
        raise errors.TokenDisabledError(f"token {token.id}")
    return token

"""Switching tokens off and on from their list: one by one, each checked and recorded like any other change."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from objects.changes import save_checked
from tokens.models import ApiToken


def switch(token_id: UUID, *, is_disabled: bool, by: str) -> ApiToken | None:
    """Bring a token into the state; None when there is none or it is in that state already.

    Raises:
        ValidationError: a rule refuses it.
    """
    with transaction.atomic():
        token = ApiToken._base_manager.select_for_update().filter(pk=token_id).first()
        if token is None or token.is_disabled == is_disabled:
            return None
        token.is_disabled = is_disabled
        return save_checked(token, by)


def switch_each(tokens: Iterable[Any], *, is_disabled: bool, by: str) -> tuple[list[ApiToken], list[ApiToken]]:
    """Those that were brought into the state, and those that a rule kept from it."""
    done: list[ApiToken] = []
    refused: list[ApiToken] = []
    for token in tokens:
        try:
            changed = switch(token.pk, is_disabled=is_disabled, by=by)
        except ValidationError:
            refused.append(token)
        else:
            done += [changed] if changed else []
    return done, refused

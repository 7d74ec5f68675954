"""The query string of a list. What is unknown or malformed is refused, never ignored."""

from collections.abc import Collection
from typing import Any

from rest_framework.request import Request

from foundation.texts import is_storable
from objects.serializers import invalid_field


def only(request: Request, known: Collection[str]) -> dict[str, str]:
    """The parameters of the query string, which may only be `known` ones.

    Raises:
        ValidationError: `InvalidField`, a parameter is unknown, repeated or not storable.
    """
    found: dict[str, str] = {}
    for name, values in request.query_params.lists():
        if name not in known:
            raise invalid_field(name, "There is no such parameter.")
        if len(values) != 1 or not is_storable(values[0]):
            raise invalid_field(name, "The parameter is repeated or contains characters that cannot be stored.")
        found[name] = values[0]
    return found


def whole_number(request: Request, name: str, default: int, smallest: int, largest: int) -> int:
    """The parameter `name`, a number from `smallest` to `largest`.

    Raises:
        ValidationError: `InvalidField`, it is something else.
    """
    text: Any = request.query_params.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) < 12 and smallest <= int(text) <= largest:
        return int(text)
    raise invalid_field(name, f"The parameter must be a whole number from {smallest} to {largest}.")

"""The filters of runs in a query string."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from access.policy import TOKEN, allows
from management.lists import only
from objects.serializers import Choice, Id, Moment, Number, Text, TypedField, as_id, invalid_field
from runs.models import KINDS, STATUSES
from runs.selection import LARGEST_PAGE, PAGE_SIZE, RunFilters

MOST_VALUES: Final = 50
"""How many alternatives a filter may have: each of them may cost a query."""

_LARGEST: Final = 2**31 - 1


class _Whole(Number):
    """A whole number that is not negative."""

    schema: ClassVar[dict[str, Any]] = {"type": "integer", "minimum": 0, "maximum": _LARGEST}

    def parse(self, text: str) -> int | None:
        is_number = text.isascii() and text.isdigit() and len(text) < 12
        return int(text) if is_number and int(text) <= _LARGEST else None


class QueryFilter(NamedTuple):
    """`name` is that of `RunFilters`. Values that are no names may be separated by commas."""

    name: str
    field: TypedField
    is_name: bool = False
    is_single: bool = False


TOKEN_FILTER: Final = "token"  # noqa: S105  the name of a filter
_FILTERS: Final[Mapping[str, QueryFilter]] = {
    "definition": QueryFilter("definition", Id(help_text="The id of a definition.")),
    "route": QueryFilter("route", Text(help_text="A route as defined or as called."), is_name=True),
    "script": QueryFilter("script", Text(help_text="The name of a script, or its id."), is_name=True),
    "version": QueryFilter("version", _Whole(help_text="The version of the script.")),
    "user": QueryFilter("user", Text(help_text="The name of the user who ran it."), is_name=True),
    "node": QueryFilter("node", _Whole()),
    "status": QueryFilter("status", Choice(STATUSES)),
    "errorCode": QueryFilter("error_code", _Whole()),
    "responseCode": QueryFilter("response_code", _Whole()),
    "kind": QueryFilter("kind", Choice(KINDS)),
    "from": QueryFilter("since", Moment(help_text="Accepted at this time or later."), is_single=True),
    "to": QueryFilter("until", Moment(help_text="Accepted before this time."), is_single=True),
    "slowerThan": QueryFilter(
        "slower_than", _Whole(help_text="Milliseconds from the acceptance to the answer, or until now."), is_single=True
    ),
}
TOKEN_HELP: Final = "The id of a token; for users who may view tokens, also the name that it had."  # noqa: S105

_LIMIT: Final = OpenApiParameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_SIZE}
)
_BEFORE: Final = OpenApiParameter(
    "before", {"type": "string", "format": "uuid"}, description="Only runs that are older than the one of this id."
)


def _several(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema, "maxItems": MOST_VALUES}


def parameter_of(name: str, each: QueryFilter) -> OpenApiParameter:
    schema = dict(each.field.schema) if each.is_single else _several(dict(each.field.schema))
    commas = "" if each.is_name or each.is_single else "Several values may also be separated by commas."
    description = f"{each.field.help_text or ''} {commas}".strip()
    return OpenApiParameter(name, schema, description=description, many=False)


PARAMETERS: Final[Sequence[OpenApiParameter]] = (
    *(parameter_of(name, each) for name, each in _FILTERS.items()),
    parameter_of(TOKEN_FILTER, QueryFilter(TOKEN_FILTER, Text(help_text=TOKEN_HELP), is_name=True)),
    _LIMIT,
    _BEFORE,
)


class PageWanted(NamedTuple):
    filters: RunFilters
    size: int
    before: Any


def page_wanted(request: Request) -> PageWanted:
    """What the query string asks for.

    Raises:
        ValidationError: `InvalidField`, a parameter is unknown, or its value cannot be read.
    """
    single = [name for name, each in _FILTERS.items() if each.is_single]
    several = [name for name, each in _FILTERS.items() if not each.is_single]
    query = only(request, (*single, _LIMIT.name, _BEFORE.name), repeatable=(*several, TOKEN_FILTER))
    found: dict[str, Any] = {}
    for name, each in _FILTERS.items():
        if name in query:
            values = values_of(name, each, request.query_params.getlist(name))
            found[each.name] = values[0] if each.is_single else values
    if TOKEN_FILTER in query:
        found["token"], found["token_name"] = wanted_tokens(request)
    size = one_value(_LIMIT.name, _Whole(), query.get(_LIMIT.name, str(PAGE_SIZE)))
    if not 1 <= size <= LARGEST_PAGE:
        raise invalid_field(_LIMIT.name, f"The parameter must be a whole number from 1 to {LARGEST_PAGE}.")
    before = one_value(_BEFORE.name, Id(), query[_BEFORE.name]) if _BEFORE.name in query else None
    return PageWanted(RunFilters(**found), size, before)


def values_of(name: str, each: QueryFilter, texts: Sequence[str]) -> list[Any]:
    parts = texts if each.is_name or each.is_single else [part for text in texts for part in text.split(",")]
    if len(parts) > MOST_VALUES:
        raise invalid_field(name, f"The filter may have {MOST_VALUES} values at most.")
    return [one_value(name, each.field, part) for part in parts]


def one_value(name: str, field: TypedField, text: str) -> Any:
    value = field.parse(text)
    if value is None:
        raise invalid_field(name, "The property cannot have this value.")
    return value


def wanted_tokens(request: Request) -> tuple[list[UUID], list[str]]:
    """The ids and the names of tokens. Names are only for users who may view tokens.

    Raises:
        ValidationError: `InvalidField`
    """
    texts = request.query_params.getlist(TOKEN_FILTER)
    ids: list[UUID] = []
    names: list[str] = []
    for text in texts:
        parts = text.split(",")
        found = [key for key in map(as_id, parts) if key is not None]
        if len(found) == len(parts):
            ids += found
        elif allows(request.user, TOKEN, "view"):
            names.append(text)
        else:
            raise invalid_field(TOKEN_FILTER, "The property cannot have this value.")
    if len(ids) + len(names) > MOST_VALUES:
        raise invalid_field(TOKEN_FILTER, f"The filter may have {MOST_VALUES} values at most.")
    return ids, names

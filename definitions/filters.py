"""What lists of definitions can be filtered by, ordered by and searched in."""

from typing import Final

from definitions.serializers import DefinitionSerializer
from objects.filters import Filters
from objects.serializers import Id, Text

ALLOWED_COUNT: Final = "allowed_token_count"
"""An annotation that the rows need: how many tokens are allowed."""

DEFINITION_FILTERS: Final = Filters(
    DefinitionSerializer,
    exact=("name", "route", "actionType", "isDisabled", "keepBodies"),
    columns={"allowedToken": ("allowed_tokens", Id()), "scriptName": ("script__name", Text())},
    order={"scriptName": "script__name", "allowedToken": ALLOWED_COUNT, "allowedTokens": ALLOWED_COUNT},
    searched=("route", "name", "description", "script__name"),
    default="route",
)

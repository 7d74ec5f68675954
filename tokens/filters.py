"""What lists of tokens can be filtered by, ordered by and searched in."""

from typing import Final

from objects.filters import Filters
from tokens.serializers import TokenSerializer

TOKEN_FILTERS: Final = Filters(TokenSerializer, exact=("name", "isDisabled"), searched=("name",), default="name")

"""What lists of scripts can be filtered by, ordered by and searched in."""

from typing import Final

from automation.serializers import ScriptSerializer
from objects.filters import Filters

SCRIPT_FILTERS: Final = Filters(
    ScriptSerializer, exact=("name", "kind"), searched=("name", "description"), default="name"
)

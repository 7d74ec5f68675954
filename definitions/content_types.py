"""The content types of requests that a definition accepts. Pure functions."""

import re
from typing import Final

from django.utils.translation import gettext as _

from foundation.texts import is_storable, visible

ANY_TYPE: Final = "*/*"
"""The only entry of a definition that accepts every content type, and a body without one."""
MOST_TYPES: Final = 50
USUAL_TYPES: Final = ("application/json", "application/xml", "text/xml", "text/plain")

_NAME = r"[A-Za-z0-9!#$%&'+.^_`|~-]{1,127}"
_MEDIA_TYPE = re.compile(f"{_NAME}/{_NAME}")
_LONGEST_SHOWN = 100


class InvalidContentTypesError(ValueError):
    """The message says which rule the content types break."""


def default_content_types() -> list[str]:
    return list(USUAL_TYPES)


def parse_content_types(types: object) -> list[str]:
    """The content types in lower case.

    Raises:
        InvalidContentTypesError: they break a rule.
    """
    if not isinstance(types, list) or not 1 <= len(types) <= MOST_TYPES:
        raise InvalidContentTypesError(_("A definition accepts 1 to %(most)d content types.") % {"most": MOST_TYPES})
    if types == [ANY_TYPE]:
        return [ANY_TYPE]
    found = [_media_type(entry) for entry in types]
    for position, entry in enumerate(found):
        if entry in found[:position]:
            raise InvalidContentTypesError(_("%(type)s is listed twice.") % {"type": entry})
    return found


def _media_type(entry: object) -> str:
    if isinstance(entry, str) and _MEDIA_TYPE.fullmatch(entry):
        return entry.lower()
    if isinstance(entry, str) and entry.strip() == ANY_TYPE:
        raise InvalidContentTypesError(_("*/* means any type, so it stands alone."))
    shown = entry if isinstance(entry, str) and is_storable(entry) else ascii(entry)
    rule = _(
        "%(type)s is not a content type such as image/png. Parameters and wildcards such as image/* are not allowed."
    )
    raise InvalidContentTypesError(rule % {"type": visible(shown[:_LONGEST_SHOWN])})

"""The headers of a request that does not come over HTTP: only those that the HTTP server would take."""

import re
from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext as _

MOST_HEADERS: Final = 100
LONGEST_HEADER: Final = 8_190
"""Bytes of name and value together."""

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class InvalidHeaderError(ValueError):
    """The message says which rule a header breaks."""


def as_received(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers as a server reads them.

    Raises:
        InvalidHeaderError: no client could send them.
    """
    if len(headers) > MOST_HEADERS:
        raise InvalidHeaderError(_("A request has at most %(most)d headers.") % {"most": MOST_HEADERS})
    for name, value in headers:
        if not _NAME.fullmatch(name):
            raise InvalidHeaderError(_("The name of a header has a character that HTTP does not allow, or is empty."))
        if _CONTROL_CHARACTER.search(value):
            raise InvalidHeaderError(_("The header %(name)s has a control character.") % {"name": name[:100]})
        if len(name) + len(value.encode()) > LONGEST_HEADER:
            details = {"name": name[:100], "most": LONGEST_HEADER}
            raise InvalidHeaderError(_("The header %(name)s has more than %(most)d bytes.") % details)
    return [(name, value.strip(" \t")) for name, value in headers]

"""How long ago something was, in words: `12 min ago`. The page's scripts say the same as time goes by (`times.js`)."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_MONTH: Final = 30 * _DAY
_YEAR: Final = 365 * _DAY

# The largest unit that fits tells; nothing smaller is said.
_UNITS: Final[tuple[tuple[int, Callable[[int], str]], ...]] = (
    (_YEAR, lambda count: ngettext("%(count)d year", "%(count)d years", count)),
    (_MONTH, lambda count: ngettext("%(count)d month", "%(count)d months", count)),
    (_DAY, lambda count: ngettext("%(count)d day", "%(count)d days", count)),
    (_HOUR, lambda count: ngettext("%(count)d h", "%(count)d h", count)),
    (_MINUTE, lambda count: ngettext("%(count)d min", "%(count)d min", count)),
)


def span_in_words(seconds: float) -> str:
    """`12 min`; empty for less than a minute."""
    for size, words in _UNITS:
        if count := int(seconds // size):
            return words(count) % {"count": count}
    return ""


def ago_in_words(moment: datetime, now: datetime) -> str:
    """`12 min ago`, `in 3 days`, or `just now` for less than a minute."""
    seconds = (now - moment).total_seconds()
    span = span_in_words(abs(seconds))
    if not span:
        return _("just now")
    return (_("%(span)s ago") if seconds > 0 else _("in %(span)s")) % {"span": span}

"""When objects were last used, in a sentence for questions before something is taken from their users."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from console.templatetags.console import time_ago

_RECENT: Final = timedelta(days=1)


def last_use_in_words(word: Any, moments: Collection[datetime], count: int) -> SafeString:
    """When `count` objects were last used; `moments` has those of the used ones, `word` says what that is: `called`."""
    latest = time_ago(max(moments, default=None))
    if count == 1:
        said = _("It was last {word} {latest}.") if moments else _("It was never {word}.")
        return format_html(said, word=word, latest=latest)
    recent = sum(moment > timezone.now() - _RECENT for moment in moments)
    if recent:
        said = ngettext(
            "{recent} of them was {word} in the last 24 hours, {latest}.",
            "{recent} of them were {word} in the last 24 hours, the last one {latest}.",
            recent,
        )
        return format_html(said, recent=recent, word=word, latest=latest)
    said = _("None of them was {word} in the last 24 hours; the last time was {latest}.") if moments else ""
    return format_html(said or _("None of them was ever {word}."), word=word, latest=latest)

"""Last calls in words."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from foundation.times import iso_utc
from runs.statistics.last_calls import LastCall
from runs.statistics.models import StoredStep

_NOW: Final = timedelta(minutes=2)
_EXACT: Final[Mapping[StoredStep, str]] = {
    StoredStep.MINUTE: "%Y-%m-%d %H:%M UTC",
    StoredStep.HOUR: "%Y-%m-%d %H:00\N{EN DASH}%H:59 UTC",
    StoredStep.DAY: "%Y-%m-%d (UTC)",
}


def call_ago(last: LastCall | None) -> SafeString:
    """How long ago the last call was, and on hover when, as exactly as is known; empty for None."""
    if last is None:
        return SafeString()
    is_now = datetime.now(UTC) - last.since < _NOW
    text = _("just now") if is_now else _("%s ago") % timesince(last.since, depth=1)
    title = f"{last.since:{_EXACT[last.step]}}"
    return format_html('<time datetime="{}" title="{}">{}</time>', iso_utc(last.since, "seconds"), title, text)

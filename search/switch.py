"""Whether there is a mirror, as every process that changes something has to know."""

import time

from django.conf import settings

from search.models import Copy, Intent, Mirror, SetAside

OFF_SECONDS = 1.0
"""So long a process goes on to believe that there is no mirror; it does not ask before every change."""
SETTLE_SECONDS = 2.0
"""So long who turns it on waits before looking at the objects: by then everybody has noticed, and has committed."""


class _Belief:
    """Until when this process believes that the mirror is off."""

    until = 0.0


def is_on() -> bool:
    """Whether changes are to be noted: this process knows of Elasticsearch, or another one of the fleet does."""
    if settings.ELASTICSEARCH_URL:
        return True
    now = time.monotonic()
    if now < _Belief.until:
        return False
    found = Mirror.objects.filter(is_on=True).exists()
    if not found:
        # Counted from before the question: whoever turns it on has not waited in vain.
        _Belief.until = now + OFF_SECONDS
    return found


def turn_on() -> None:
    """From here on every process notes its changes; what changed before, the next check finds, which is due at once."""
    if Mirror.get().is_on:
        return
    Copy.objects.update(checked_at=None)
    Mirror.change(is_on=True)
    _Belief.until = 0.0
    time.sleep(SETTLE_SECONDS)


def turn_off() -> None:
    """Nothing is noted any more, and what was is forgotten."""
    Mirror.change(is_on=False)
    Intent.objects.all().delete()
    SetAside.objects.all().delete()

"""The search of everything finds a run by its id."""

from collections.abc import Iterator

import redis
from django.urls import reverse
from django.utils.translation import gettext as _

from access.policy import RUN, AnyUser, allows
from console.palette.entries import PaletteEntry, PaletteGroup
from console.runs.rows import run_page, shown_alone
from foundation.ids import parse_uuid
from runs import selection


def run_groups(user: AnyUser, text: str) -> Iterator[PaletteGroup]:
    """The run with the id that was typed, or the word that there is none, for users who may view runs."""
    wanted = parse_uuid(text)
    if wanted is None or not allows(user, RUN, "view"):
        return
    try:
        run = selection.find(wanted)
    except redis.RedisError:
        run = None
    if run is None:
        # The list says why there may be none.
        address = f"{reverse('admin:runs')}?q={wanted}"
        entry = PaletteEntry(_("No run has this id"), "search_off", address, str(wanted))
    else:
        seen = shown_alone(run, user)
        entry = PaletteEntry(seen.title, "receipt_long", run_page(run), str(seen.status_word))
    yield PaletteGroup(_("Runs"), [entry])

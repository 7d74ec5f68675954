"""The search of the whole console (Ctrl+K) finds a run by its id."""

import redis
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from unfold.dataclasses import SearchResult

from access.policy import RUN, allows
from console.runs.rows import run_page, shown_alone
from foundation.ids import parse_uuid
from runs import selection


def search_results(request: HttpRequest, text: str) -> list[SearchResult]:
    """The run with the id that was typed, or the word that there is none, for users who may view runs."""
    wanted = parse_uuid(text.strip())
    if wanted is None or not allows(request.user, RUN, "view"):
        return []
    try:
        run = selection.find(wanted)
    except redis.RedisError:
        run = None
    if run is None:
        # The list says why there may be none.
        return [SearchResult(_("No run has this id"), str(wanted), f"{reverse('admin:runs')}?q={wanted}", "search_off")]
    seen = shown_alone(run, request.user)
    description = _("Run: %(status)s") % {"status": seen.status_word}
    return [SearchResult(seen.title, description, run_page(run), "receipt_long")]

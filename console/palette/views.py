"""The answer to what was typed, as a part of the page."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_safe

from access.policy import AnyUser
from console.palette.entries import PaletteGroup
from console.palette.objects import object_groups
from console.palette.pages import page_groups
from console.runs.finder import run_groups
from foundation.texts import is_storable

LONGEST = 300


@require_safe
def palette(request: HttpRequest) -> HttpResponse:
    """What matches `q`: an exact run first, then objects, pages and actions."""
    wanted = request.GET.get("q", "").strip()
    groups = list(_groups(request.user, wanted)) if is_storable(wanted) and len(wanted) <= LONGEST else []
    context = {"groups": groups, "wanted": wanted, "number": sum(len(group.entries) for group in groups)}
    return TemplateResponse(request, "console/palette/results.html", context)


def _groups(user: AnyUser, wanted: str) -> Iterator[PaletteGroup]:
    if wanted:
        yield from run_groups(user, wanted)
        yield from object_groups(user, wanted)
    yield from page_groups(user, wanted)

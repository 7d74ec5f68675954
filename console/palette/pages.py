"""Pages of the menu, and what can be done, in the search of everything."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils.translation import gettext as _

from access.policy import NODE, RUN, AnyUser, allows
from console.palette.entries import PaletteEntry, PaletteGroup, best
from console.shell.creation import creations_for
from console.shell.menu import pages_for


def page_groups(user: AnyUser, wanted: str) -> Iterator[PaletteGroup]:
    """The pages and actions that match; without a text all of them."""
    for title, entries in ((_("Pages"), _pages(user)), (_("Actions"), _actions(user))):
        if found := best(entries, wanted):
            yield PaletteGroup(title, found)


def _pages(user: AnyUser) -> Iterator[PaletteEntry]:
    for _title, pages in pages_for(user):
        for page in pages:
            yield PaletteEntry(str(page.title), page.icon, reverse(page.name))
    if allows(user, NODE, "view"):
        yield PaletteEntry(_("Environments"), "inventory_2", reverse("admin:environments"))
    if allows(user, RUN, "add"):
        yield PaletteEntry(_("Trigger an API"), "play_circle", reverse("admin:trigger"))


def _actions(user: AnyUser) -> Iterator[PaletteEntry]:
    for each in creations_for(user):
        yield PaletteEntry(str(each.phrase), each.icon, each.address)
    yield PaletteEntry(_("Switch between light and dark"), "contrast", action="theme")
    yield PaletteEntry(_("Keyboard shortcuts and help"), "help", action="help")

"""Who runs or imports a script, in the words of its pages. Numbers of APIs are for users who may view definitions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.policy import DEFINITION, AnyUser, allows
from automation.models import AutomationScript
from automation.versions import ScriptKind, ScriptVersion
from console.blockers import name_definitions
from definitions.models import ApiDefinition
from definitions.warnings import Consequence


@dataclass(frozen=True)
class Reach:
    """How many APIs run the current version of a script, how many are pinned, and how many scripts import it."""

    running: int
    pinned: int
    importing: int
    sees_apis: bool

    def at_save(self) -> Sequence[str]:
        """What a save of the script means, in sentences; none where nothing uses it."""
        said = []
        if self.importing:
            text = ngettext(
                "Used by %(count)d script; it keeps the version it was saved with until it is renewed.",
                "Used by %(count)d scripts; they keep the version they were saved with until they are renewed.",
                self.importing,
            )
            said.append(text % {"count": self.importing})
        if self.running and self.sees_apis:
            text = ngettext(
                "Used by %(count)d API, live at once.", "Used by %(count)d APIs, live at once.", self.running
            )
            said.append(text % {"count": self.running})
        elif self.running:
            said.append(_("Used by APIs, live at once."))
        if self.pinned and self.sees_apis:
            text = ngettext(
                "%(count)d pinned API keeps its version.", "%(count)d pinned APIs keep their version.", self.pinned
            )
            said.append(text % {"count": self.pinned})
        return said

    def at_activation(self) -> Sequence[str]:
        """What another current version means, in sentences."""
        said = []
        if self.importing:
            text = ngettext(
                "%(count)d script imports this library; it keeps the version it was saved with until it is renewed.",
                "%(count)d scripts import this library; they keep the version they were saved with until they are "
                "renewed.",
                self.importing,
            )
            said.append(text % {"count": self.importing})
        if not self.sees_apis:
            return [
                *said,
                _("APIs that run the script run this version from the next call on; pinned ones keep theirs."),
            ]
        if self.running or not said:
            text = ngettext(
                "%(count)d API runs it from the next call on.",
                "%(count)d APIs run it from the next call on.",
                self.running,
            )
            said.append(text % {"count": self.running} if self.running else _("No API runs it."))
        if self.pinned:
            text = ngettext(
                "%(count)d pinned API keeps its version.", "%(count)d pinned APIs keep their version.", self.pinned
            )
            said.append(text % {"count": self.pinned})
        return said


def reach_of(user: AnyUser, script: AutomationScript) -> Reach:
    """Who uses `script`, as far as `user` may know."""
    found = ApiDefinition.objects.filter(script=script).aggregate(all=Count("pk"), pinned=Count("script_version"))
    importing = len(users_of(script)) if script.kind == ScriptKind.LIBRARY else 0
    return Reach(found["all"] - found["pinned"], found["pinned"], importing, allows(user, DEFINITION, "view"))


def in_words(user: AnyUser, found: Sequence[Consequence]) -> list[tuple[str, SafeString]]:
    """Each consequence of a change, and the APIs that it is about for users who may view them."""
    sees_apis = allows(user, DEFINITION, "view")
    return [(each.detail, name_definitions(user, each.definitions) if sees_apis else SafeString()) for each in found]


def users_of(library: AutomationScript) -> list[tuple[AutomationScript, int]]:
    """The scripts that were last saved with the library, by name, with the number of the version that they use."""
    found = ScriptVersion.objects.filter(library_uses__library__script=library.pk, number=_written()).annotate(
        used=F("library_uses__number")
    )
    rows = found.select_related("script").defer("source").order_by("script__name")
    return [(version.script, version.used) for version in rows]


def names_of_users(library_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """The names of the scripts that use each of several libraries, in one query; also in a version that still runs."""
    runs = Q(number=F("script__current_version")) | Q(number=F("script__pending_version"))
    versions = ScriptVersion.objects.filter(runs, library_uses__library__script__in=library_ids)
    found = versions.values_list("library_uses__library__script", "script__name").distinct()
    names: dict[UUID, list[str]] = {}
    for library, name in found.order_by("script__name") if library_ids else ():
        names.setdefault(library, []).append(name)
    return names


def libraries_of(script: AutomationScript) -> list[tuple[str, int, AutomationScript | None]]:
    """The libraries that it was saved with: name, number, and the library itself unless it has been deleted."""
    version = ScriptVersion.objects.filter(script=script.pk, number=_written()).defer("source").first()
    if version is None:
        return []
    uses = version.library_uses.select_related("library__script").defer("library__source", "library__script__source")
    return [(use.name, use.number, use.library.script if use.library else None) for use in uses.order_by("name")]


def _written() -> Coalesce:
    """The number of the version whose content a script has."""
    return Coalesce(F("script__pending_version"), F("script__current_version"))

"""A line under *Recent changes*, as a sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.cells import link
from console.change_words import kind_in_words
from console.templatetags.console import figures_in, said_in, version_in
from events.models import InformationEvent, Verb

_SENTENCES: Final[Mapping[str, Promise]] = {
    "added": gettext_lazy("{who} added {what}"),
    "updated": gettext_lazy("{who} updated {what}"),
    "enabled": gettext_lazy("{who} enabled {what}"),
    "disabled": gettext_lazy("{who} disabled {what}"),
    "deleted": gettext_lazy("{who} deleted {what}"),
    "read": gettext_lazy("{who} read the kept request and response of {what}"),
    "said": gettext_lazy("{what} says: {text}"),
}
_OF_ONE: Final[Mapping[str, Promise]] = {
    "failing": gettext_lazy("{what} is failing: {text}"),
    "recovered": gettext_lazy("{what} has recovered"),
}
_OF_SEVERAL: Final[Mapping[str, Promise]] = {
    "failing": gettext_lazy("{what} began to fail"),
    "recovered": gettext_lazy("{what} have recovered"),
}


@dataclass(frozen=True)
class MentionedObject:
    """An object that an event is about, as it was called then; `page` is empty if there is none to see."""

    name: str
    page: str = ""

    def __html__(self) -> str:
        return link(self.page, self.name) if self.page else format_html("<strong>{}</strong>", self.name)


@dataclass(frozen=True)
class ChangeLine:
    """What one user did to objects of a kind within a minute. `event` is the newest, `count` how many objects."""

    event: InformationEvent
    objects: Sequence[MentionedObject]
    """The first few of them."""
    count: int
    events_page: str
    deed: str
    """`enabled` or `disabled` if that is all that happened to each of them, otherwise the verb."""
    changed: str = ""
    """What the newest event changed, as far as it says so in a few words."""

    @property
    def text(self) -> SafeString:
        """`Jane Miller disabled 12 APIs`; the object or the number is a link."""
        several = self.count > 1
        sentence = _SENTENCES.get(self.deed) or (_OF_SEVERAL if several else _OF_ONE)[self.deed]
        kind = kind_in_words(self.event.object_type, self.count)
        what = link(self.events_page, kind) if several else format_html("{} {}", kind, self.objects[0])
        return format_html(str(sentence), who=self.event.user, what=what, text=self._said)

    @property
    def names(self) -> SafeString:
        """Of several objects, the first few; of one, what has changed."""
        if self.count == 1:
            # What a script says may look like anything.
            version = "" if self.event.verb == Verb.SAID else version_in(self.event.message).lstrip(": ")
            return format_html("{}", ", ".join(part for part in (version, self.changed) if part))
        names = format_html_join(", ", "{}", ([each] for each in self.objects))
        more = self.count - len(self.objects)
        return format_html("{} {}", names, _("and %(count)d more") % {"count": more}) if more > 0 else names

    @property
    def _said(self) -> str:
        """The figures of an API that fails, or what a script says."""
        return said_in(self.event) if self.event.verb == Verb.SAID else figures_in(self.event.message)

"""What events say in the console: their object as a link, and what has changed, before and after."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from console import cells
from console.event_names import LINKED, EventNames, ids_in
from console.templatetags.console import figures_in, said_in, version_in
from events.models import InformationEvent, ObjectType, Verb
from tokens.models import ApiToken

_MODELS: Final[Mapping[str, str]] = {
    ObjectType.API_DEFINITION: "definitions.ApiDefinition",
    ObjectType.API_TOKEN: "tokens.ApiToken",
    ObjectType.AUTOMATION_SCRIPT: "automation.AutomationScript",
    ObjectType.CREDENTIAL: "automation.Credential",
    ObjectType.USER: "auth.User",
    ObjectType.GROUP: "auth.Group",
}
_LABELS: Final[Mapping[str, Promise]] = {
    "allowed_tokens": gettext_lazy("tokens"),
    "allowed_scripts": gettext_lazy("scripts"),
    "rate_limit": gettext_lazy("rate limit"),
    "secret": gettext_lazy("secret"),
    "value": gettext_lazy("value"),
    "version": gettext_lazy("version"),
    "is_disabled": gettext_lazy("state"),
    "user_permissions": gettext_lazy("flags"),
    "permissions": gettext_lazy("flags"),
}
_SETS: Final = frozenset({"allowed_tokens", "allowed_scripts", "user_permissions", "permissions", "groups"})
_HIDDEN: Final = frozenset({"secret", "value", "password"})
SHOWN_ENTRIES: Final = 20


@dataclass(frozen=True)
class EventWords:
    """Words for the events of a page."""

    names: EventNames

    def subject(self, event: InformationEvent) -> SafeString:
        """What the object is called, if it exists and the user may view it, otherwise what it was called then."""
        found = self.names.get(event.object_type, event.object_id)
        last = event.properties.get("route") or event.properties.get("name") or str(event.object_id)
        if found is not None:
            return format_html("{}", found.name)
        is_gone = event.object_type in self.names.visible
        note = cells.muted(_("deleted")) if is_gone else SafeString()
        return format_html("<span>{}</span> {}", last, note)

    def page(self, event: InformationEvent) -> str:
        """The page of the object; empty if there is none to see."""
        found = self.names.get(event.object_type, event.object_id)
        return "" if found is None else found.page

    def what(self, event: InformationEvent) -> SafeString:
        """What has changed, or what was said; time, user and action have columns of their own."""
        if event.changes:
            lines = format_html_join("", "{}", ([self._line(event, change)] for change in event.changes))
            return format_html('<dl class="ud-changes">{}</dl>{}', lines, self._version(event))
        match event.verb:
            case Verb.SAID:
                return format_html("{}", said_in(event))
            case Verb.FAILING:
                return format_html("{}", figures_in(event.message))
            case Verb.READ:
                return format_html("{}", _("Request and response"))
            case Verb.UPDATED:
                return self._version(event) or _repair(event)
        return SafeString()

    def _line(self, event: InformationEvent, change: Mapping[str, Any]) -> SafeString:
        name = change["field"]
        return format_html(
            "<div><dt>{}</dt><dd>{}</dd></div>", label_of(event.object_type, name), self._of(event, change)
        )

    def _of(self, event: InformationEvent, change: Mapping[str, Any]) -> SafeString:
        name, before, after = change["field"], change["before"], change["after"]
        if name in _HIDDEN:
            return format_html("{}", _("replaced"))
        if name in _SETS:
            return self._set(name, change)
        if name == "version" and before and after:
            return self._difference(event, before, after)
        show: Callable[[Any], SafeString] = lambda value: self._value(event.object_type, name, value)  # noqa: E731
        return format_html('<del>{}</del> <span class="ud-arrow">→</span> <ins>{}</ins>', show(before), show(after))

    def _difference(self, event: InformationEvent, before: int, after: int) -> SafeString:
        text = format_html('{} <span class="ud-arrow">→</span> {}', before, after)
        if self.names.get(event.object_type, event.object_id) is None:
            return text
        page = reverse("admin:automation_automationscript_difference", args=[event.object_id])
        return cells.link(f"{page}?old={min(before, after)}&new={max(before, after)}", text)

    def _set(self, name: str, change: Mapping[str, Any]) -> SafeString:
        """What was removed and what was added."""
        left_out = change.get("leftOut", {})
        parts = []
        for side, tag, sign in (("before", "del", "\N{MINUS SIGN}"), ("after", "ins", "+")):
            entries = change[side] or []
            more = len(entries) - SHOWN_ENTRIES + left_out.get(side, 0)
            parts += [
                format_html("<{0}>{1} {2}</{0}>", SafeString(tag), sign, self._entry(name, entry))
                for entry in entries[:SHOWN_ENTRIES]
            ]
            if more > 0:
                parts.append(cells.muted(f"{sign} " + ngettext("%d more", "%d more", more) % more))
        return format_html('<span class="ud-change-set">{}</span>', format_html_join(" ", "{}", ([p] for p in parts)))

    def _entry(self, name: str, entry: str) -> SafeString:
        """A member of a set; one that is an id has a name and a page for those who may view it."""
        kind = LINKED.get(name)
        if kind is None:
            return format_html("{}", entry)
        found = self.names.get(kind, next(iter(ids_in(entry)), None))
        if found is not None:
            return cells.link(found.page, found.name)
        title = _("deleted") if kind in self.names.visible else ""
        return format_html('<code title="{}">{}…</code> {}', entry, entry[:8], cells.muted(title))

    def _value(self, object_type: str, name: str, value: Any) -> SafeString:
        if name == "is_disabled":
            return format_html("{}", _("Disabled") if value else _("Enabled"))
        if name == "rate_limit":
            limit, seconds = value or (None, None)
            return format_html("{}", cells.limit_in_words(ApiToken(rate_limit=limit, rate_window_seconds=seconds)))
        if value is None or value in ("", []):
            return cells.muted(_("empty"))
        if name in LINKED:
            return self._entry(name, str(value))
        if isinstance(value, bool):
            return format_html("{}", _("yes") if value else _("no"))
        if isinstance(value, list):
            return format_html("{}", ", ".join(map(str, value)))
        return format_html("{}", _choices(object_type, name).get(value, value))

    def _version(self, event: InformationEvent) -> SafeString:
        """What the message says of a version, unless the changes have said it."""
        is_said = any(change["field"] == "version" for change in event.changes or ())
        text = version_in(event.message).removeprefix(": ")
        return format_html("<p>{}</p>", capfirst(text)) if text and not is_said else SafeString()


def _repair(event: InformationEvent) -> SafeString:
    return format_html("{}", event.message.partition(" to repair it: ")[2])


def label_of(object_type: str, name: str) -> str:
    """What the console calls a field."""
    if name in _LABELS:
        return capfirst(str(_LABELS[name]))
    try:
        return capfirst(str(_model(object_type)._meta.get_field(name).verbose_name))  # type: ignore[union-attr]
    except (FieldDoesNotExist, LookupError):
        # A field of a later or an earlier release.
        return capfirst(name.replace("_", " "))


def _choices(object_type: str, name: str) -> Mapping[Any, Any]:
    try:
        field: Any = _model(object_type)._meta.get_field(name)
    except (FieldDoesNotExist, LookupError):
        return {}
    return dict(field.flatchoices)


def _model(object_type: str) -> type[Model]:
    return apps.get_model(_MODELS[object_type])


def words_for(events: Sequence[InformationEvent], user: Any) -> EventWords:
    """The words for these events, as `user` may see them."""
    return EventWords(EventNames.of(events, user))

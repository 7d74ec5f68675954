"""Pieces of HTML for lists and readable pages, escaped."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automation.builds import BuildState
from tokens.models import ApiToken

LONGEST_TEXT = 140
_WINDOWS = {
    1: gettext_lazy("%(limit)d a second"),
    60: gettext_lazy("%(limit)d a minute"),
    3_600: gettext_lazy("%(limit)d an hour"),
    86_400: gettext_lazy("%(limit)d a day"),
}

_BUILD_TONES: Final[Mapping[str, str]] = {
    BuildState.BUILDING: "info",
    BuildState.READY: "good",
    BuildState.FAILED: "bad",
}


def limit_in_words(token: ApiToken) -> str:
    """The rate limit of a token: `60 a minute`."""
    limit, seconds = token.rate_limit, token.rate_window_seconds
    if limit is None or seconds is None:
        return _("none")
    text = _WINDOWS.get(seconds) or _("%(limit)d in %(seconds)d s")
    return str(text % {"limit": limit, "seconds": seconds})


def page_of(obj: Any, kind: str = "view") -> str:
    """The address of a page about `obj`: the page to read, or its `change`, `raw`, `history` or `delete`."""
    return reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_{kind}", args=[obj.pk])


def version_page(script_id: UUID, number: int | None) -> str:
    """The address of a version of a script."""
    return reverse("admin:automation_automationscript_version", args=[script_id, number])


def link(url: str, text: object) -> SafeString:
    return format_html('<a class="ud-link" href="{}">{}</a>', url, text)


def offer(url: str, text: object) -> SafeString:
    """A link in a message: it has the colour of the words around it."""
    return format_html('<a class="ud-offer" href="{}">{}</a>', url, text)


def badge(text: object, tone: str = "plain", title: object = "") -> SafeString:
    """A word on a coloured field; `tone` is `plain`, `good`, `off`, `warn` or `bad`."""
    return format_html('<span class="ud-tone {}" title="{}">{}</span>', tone, title or text, text)


def chip(text: object, url: str = "", *, is_off: bool = False, title: str = "") -> SafeString:
    """One of several values, with a link if there is one."""
    kind = "ud-tag is-off" if is_off else "ud-tag"
    if not url:
        return format_html('<span class="{}" title="{}">{}</span>', kind, title or text, text)
    return format_html('<a class="{}" href="{}" title="{}">{}</a>', kind, url, title or text, text)


def chips(parts: Iterable[SafeString], more: int = 0) -> SafeString:
    """Several chips and how many `more` there are."""
    shown = format_html_join("", "{}", ([part] for part in parts))
    rest = format_html('<span class="ud-more">{}</span>', _("+%d more") % more) if more > 0 else ""
    return format_html('<span class="ud-tags">{}{}</span>', shown, rest)


def icon_link(url: str, label: object, icon: str) -> SafeString:
    """An icon as a link; `label` says where it leads."""
    html = '<a class="ud-icon-button" href="{0}" aria-label="{1}" title="{1}">{2}</a>'
    return format_html(html, url, label, _icon(icon))


def copy_button(text: object, label: object, icon: str = "content_copy", kind: str = "") -> SafeString:
    """A button that copies `text`; the menu of a row finds it by its `kind`."""
    html = (
        '<button type="button" class="ud-icon-button" data-copy="{0}" data-copies="{3}" aria-label="{1}" title="{1}">'
        "{2}</button>"
    )
    return format_html(html, text, label, _icon(icon), kind)


def _icon(name: str) -> SafeString:
    return format_html('<span class="material-symbols-outlined" aria-hidden="true">{}</span>', name)


def muted(text: object) -> SafeString:
    return format_html('<span class="ud-subtle">{}</span>', text)


def two_lines(first: object, second: str) -> SafeString:
    """`first`, and the beginning of `second` below it if there is any."""
    if not second:
        return format_html("{}", first)
    return format_html(
        '{}<span class="ud-second" title="{}">{}</span>', first, second, Truncator(second).chars(LONGEST_TEXT)
    )


def codes(names: Iterable[object]) -> SafeString:
    """Names in the type of code."""
    parts = format_html_join(" ", '<code class="ud-code">{}</code>', ([name] for name in names))
    return format_html('<span class="ud-tags">{}</span>', parts)


def yes_or_no(value: bool) -> SafeString:
    """A tick, or a dash, with a word for screen readers."""
    icon, word = ("check", _("yes")) if value else ("remove", _("no"))
    return format_html('<span class="ud-tick">{}<span class="ud-unseen">{}</span></span>', _icon(icon), word)


def dot(tone: str, text: object) -> SafeString:
    """A point of colour before a name; `text` says what it means."""
    html = '<span class="ud-mark is-{0}" title="{1}"><span class="ud-unseen">{1}</span></span>'
    return format_html(html, tone, text)


def few(parts: Sequence[SafeString], count: int, title: str = "") -> SafeString:
    """The first of `count` things, and how many more there are."""
    if not parts:
        return muted("-")
    more = format_html('<span class="ud-more">+{}</span>', count - 1) if count > 1 else ""
    return format_html('<span class="ud-few" title="{}">{}{}</span>', title, parts[0], more)


def state(is_disabled: bool) -> SafeString:
    """Whether an API or a token is enabled."""
    return badge(_("Disabled"), "off") if is_disabled else badge(_("Enabled"), "good")


def build_state(state: str) -> SafeString:
    """How far a build has come."""
    return badge(BuildState(state).label, _BUILD_TONES[state])

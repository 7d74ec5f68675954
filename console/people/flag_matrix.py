"""The flags as a matrix: a row for each kind of object, a column for each thing to do with it, and what each needs."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.contrib.auth.models import Permission
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.effects import companions, console_companion, has_effect
from access.flags import flags

_ROWS: Final[Sequence[tuple[Promise, str, str, str, Sequence[tuple[str, Promise]]]]] = (
    (gettext_lazy("APIs"), "definitions.ui_available", "definitions.add_edit", "definitions.delete", ()),
    (gettext_lazy("Tokens"), "tokens.ui_available", "tokens.add_edit", "tokens.delete", ()),
    (
        gettext_lazy("Scripts"),
        "automation.ui_available",
        "automation.add_edit",
        "automation.delete",
        (("automation.execute", gettext_lazy("Execute")),),
    ),
    (
        gettext_lazy("Credentials"),
        "automation.credentials_ui_available",
        "automation.credentials_add_edit",
        "automation.credentials_delete",
        (),
    ),
    (
        gettext_lazy("Runs"),
        "runs.ui_available",
        "",
        "",
        (("runs.cancel", gettext_lazy("Cancel")), ("runs.bodies", gettext_lazy("Read bodies"))),
    ),
)


@dataclass(frozen=True)
class FlagCell:
    """A flag in the matrix. `word` stands beside it where the column does not say what it is."""

    flag: str
    name: str
    word: str
    is_given: bool
    source: str = ""
    """Where users have it from, if not from themselves: a group, or being a superuser."""
    option: Mapping[str, Any] | None = None
    """Its checkbox, if the matrix is to be filled in."""


@dataclass(frozen=True)
class FlagRow:
    """What can be done with one kind of object; a cell is None where there is no such flag."""

    title: str
    cells: Sequence[FlagCell | None]
    others: Sequence[FlagCell]


@dataclass(frozen=True)
class FlagHint:
    """What is missing for a flag to have an effect, or for the console to offer it."""

    flag: str
    text: str
    alternatives: str
    """JSON: a list of lists of flags, one of which must be given as a whole."""
    is_shown: bool


def flag_of(permission: Permission) -> str:
    """`tokens.delete`."""
    return f"{permission.content_type.app_label}.{permission.codename}"


def matrix(cells: Mapping[str, FlagCell]) -> list[FlagRow]:
    """The rows, out of a cell for each flag."""
    rows = []
    for title, *usual, others in _ROWS:
        known = [cells.get(str(flag)) for flag in usual]
        rows.append(FlagRow(str(title), known, [cells[flag] for flag, _word in others if flag in cells]))
    return rows


def words() -> dict[str, str]:
    """The words of flags that have no column of their own."""
    return {flag: str(word) for *_usual, others in _ROWS for flag, word in others}


def hints(given: Collection[str]) -> list[FlagHint]:
    """A hint for each flag that needs others; shown are those about flags that are given without them."""
    names = {flag_of(permission): permission.name for permission in flags()}
    return [hint for flag in sorted(names) for hint in _hints_of(flag, names, given)]


def _hints_of(flag: str, names: Mapping[str, str], given: Collection[str]) -> list[FlagHint]:
    found = []
    beside = companions(flag)
    if frozenset() not in beside:
        choices = _(" or ").join(_(" and ").join(names[one] for one in sorted(each)) for each in beside)
        text = _("%(flag)s has no effect without %(needed)s.") % {"flag": names[flag], "needed": choices}
        found.append(_hint(flag, text, beside, is_shown=flag in given and not has_effect(flag, given)))
    if viewing := console_companion(flag):
        text = _("%(flag)s works in the management API only: the console needs %(needed)s as well.")
        needed = _(" and ").join(names[one] for one in sorted(viewing))
        is_shown = flag in given and not viewing <= set(given) and has_effect(flag, given)
        found.append(_hint(flag, text % {"flag": names[flag], "needed": needed}, [viewing], is_shown=is_shown))
    return found


def _hint(flag: str, text: str, alternatives: Sequence[frozenset[str]], *, is_shown: bool) -> FlagHint:
    return FlagHint(flag, text, json.dumps([sorted(each) for each in alternatives]), is_shown)


class FlagMatrix(forms.CheckboxSelectMultiple):
    """The flags of a user or group as a matrix of checkboxes."""

    template_name = "console/people/matrix.html"
    inherited: Collection[str] = ()
    """The flags that the user has from groups, which count for the hints."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        """The rows of checkboxes, and the hints."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        options = [option for _name, group, _index in context["widget"]["optgroups"] for option in group]
        named = {flag_of(option["value"].instance): option for option in options}
        word_of = words()
        cells = {
            flag: FlagCell(flag, str(option["label"]), word_of.get(flag, ""), option["selected"], option=option)
            for flag, option in named.items()
        }
        given = {flag for flag, cell in cells.items() if cell.is_given} | set(self.inherited)
        return context | {"rows": matrix(cells), "hints": hints(given)}


class GroupChoice(forms.CheckboxSelectMultiple):
    """Groups as checkboxes that know the flags of each group."""

    template_name = "console/people/groups.html"

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """An option with the flags of its group."""
        option: dict[str, Any] = super().create_option(*args, **kwargs)
        group = option["value"].instance
        option["flags"] = " ".join(sorted(flag_of(permission) for permission in group.permissions.all()))
        option["flag_count"] = len(group.permissions.all())
        return option

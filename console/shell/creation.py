"""What a user may create, for the menu "New" and the button of each list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from access.policy import CREDENTIAL, DEFINITION, SCRIPT, TOKEN, AnyUser, allows, manages_people, may_enter
from automation.versions import ScriptKind
from console.shell.menu import Words


@dataclass(frozen=True)
class Creation:
    """A form that creates an object. `phrase` is the button's text, `noun` the entry of the menu."""

    noun: Words
    phrase: Words
    icon: str
    model: str
    query: str = ""

    @property
    def address(self) -> str:
        return reverse(f"admin:{self.model.replace('.', '_')}_add") + self.query


_KEY: Final = "keys.personalkey"
_PEOPLE: Final = frozenset({"auth.user", "auth.group"})
_CREATIONS: Final[Sequence[Creation]] = (
    Creation(_("API"), _("New API"), "api", DEFINITION),
    Creation(_("Script"), _("New script"), "code", SCRIPT),
    Creation(_("Library"), _("New library"), "library_books", SCRIPT, f"?kind={ScriptKind.LIBRARY}"),
    Creation(_("Token"), _("New token"), "key", TOKEN),
    Creation(_("Credential"), _("New credential"), "lock", CREDENTIAL),
    Creation(_("Personal key"), _("New personal key"), "vpn_key", _KEY),
    Creation(_("User"), _("New user"), "person", "auth.user"),
    Creation(_("Group"), _("New group"), "group", "auth.group"),
)


def creations_for(user: AnyUser) -> list[Creation]:
    """What `user` may create."""
    return [each for each in _CREATIONS if _may_create(user, each.model)]


def creation_of(model: str) -> Creation | None:
    """What creates an object of `model` (`"tokens.apitoken"`)."""
    return next((each for each in _CREATIONS if each.model == model), None)


def _may_create(user: AnyUser, model: str) -> bool:
    if model in _PEOPLE:
        return manages_people(user)
    if model == _KEY:
        return may_enter(user)
    # The form is a page of the list, which asks for "view".
    return allows(user, model, "view") and allows(user, model, "add")

"""What a user may do, in sentences: a row of the policy each, with the missing flags where it is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from access.flags import needed
from access.policy import (
    CREDENTIAL,
    DEFINITION,
    MESSAGE,
    NODE,
    POLICY,
    RUN,
    SCRIPT,
    TOKEN,
    Action,
    AnyUser,
    allows,
    manages_people,
)

_ABILITIES: Final[Sequence[tuple[Promise, Sequence[tuple[Promise, str, Action]]]]] = (
    (
        _("APIs"),
        (
            (_("See APIs and their events"), DEFINITION, "view"),
            (_("Publish, change, enable and disable APIs"), DEFINITION, "change"),
            (_("Delete APIs"), DEFINITION, "delete"),
            (_("Call APIs without a token"), RUN, "add"),
            (_("Send trigger messages to a worker"), MESSAGE, "send"),
        ),
    ),
    (
        _("Tokens"),
        (
            (_("See tokens, their names and events"), TOKEN, "view"),
            (_("Create, change and disable tokens, rotate secrets"), TOKEN, "change"),
            (_("Delete tokens"), TOKEN, "delete"),
        ),
    ),
    (
        _("Scripts"),
        (
            (_("See scripts, their versions and events"), SCRIPT, "view"),
            (_("Write scripts that no API runs"), SCRIPT, "change"),
            (_("Change what APIs run"), SCRIPT, "publish"),
            (_("Run unsaved source"), SCRIPT, "try"),
            (_("Delete scripts"), SCRIPT, "delete"),
        ),
    ),
    (
        _("Credentials"),
        (
            (_("See credentials, never their values"), CREDENTIAL, "view"),
            (_("Store credentials and grant them to scripts"), CREDENTIAL, "change"),
            (_("Delete credentials"), CREDENTIAL, "delete"),
        ),
    ),
    (
        _("Runs and nodes"),
        (
            (_("See runs, logs and statistics"), RUN, "view"),
            (_("Read kept requests and responses"), RUN, "view_bodies"),
            (_("Repeat kept requests"), RUN, "replay"),
            (_("Cancel runs"), RUN, "cancel"),
            (_("See nodes, the queue and health"), NODE, "view"),
        ),
    ),
)


@dataclass(frozen=True)
class Ability:
    """One thing to do."""

    text: str
    is_allowed: bool
    lacking: str = ""
    """The flags that are missing, in words."""
    outside: str = ""
    """The flag that the console asks for besides, where only the management API offers this."""


@dataclass(frozen=True)
class AbilityGroup:
    """What can be done with one kind of thing."""

    title: str
    abilities: Sequence[Ability]


def abilities_of(user: AnyUser) -> list[AbilityGroup]:
    """Everything that the product lets users do, and whether `user` may."""
    return [
        *(AbilityGroup(str(title), [_ability(user, *row) for row in rows]) for title, rows in _ABILITIES),
        AbilityGroup(str(_("People")), [_people(user)]),
    ]


def _ability(user: AnyUser, text: Promise, label: str, action: Action) -> Ability:
    if not allows(user, label, action):
        return Ability(str(text), is_allowed=False, lacking=needed(label, action))
    is_shown = (label, "view") not in POLICY or allows(user, label, "view") or action in ("view", "add", "replay")
    return Ability(str(text), is_allowed=True, outside="" if is_shown else needed(label, "view"))


def _people(user: AnyUser) -> Ability:
    lacking = "" if manages_people(user) else str(_("a superuser"))
    return Ability(str(_("Manage users and groups")), is_allowed=not lacking, lacking=lacking)

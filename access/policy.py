"""Who may do what: the one table that every interface asks.

Flags are named as Django names permissions, `app.codename`; the contract's names are their labels. A missing row
is a bug and raises.
"""

from collections.abc import Mapping
from typing import Final, Literal

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

Action = Literal[
    "view", "add", "change", "delete", "publish", "view_events", "send", "view_bodies", "cancel", "replay", "try"
]
Need = tuple[frozenset[str], ...]
"""Alternatives: users need every flag of one of them."""

AnyUser = AbstractBaseUser | AnonymousUser

DEFINITION: Final = "definitions.apidefinition"
TOKEN: Final = "tokens.apitoken"  # noqa: S105  the name of a model
SCRIPT: Final = "automation.automationscript"
CREDENTIAL: Final = "automation.credential"
RUN: Final = "runs.run"
NODE: Final = "automation.workernode"
MIRROR: Final = "search.mirror"
MESSAGE: Final = "endpoint.message"


def _all_of(*flags: str) -> Need:
    return (frozenset(flags),)


def _any_of(*flags: str) -> Need:
    return tuple(frozenset({flag}) for flag in flags)


POLICY: Final[Mapping[tuple[str, Action], Need]] = {
    (DEFINITION, "view"): _all_of("definitions.ui_available"),
    (DEFINITION, "add"): _all_of("definitions.add_edit", "automation.execute"),
    (DEFINITION, "change"): _all_of("definitions.add_edit", "automation.execute"),
    (DEFINITION, "delete"): _all_of("definitions.delete"),
    (DEFINITION, "view_events"): _all_of("definitions.ui_available"),
    (TOKEN, "view"): _all_of("tokens.ui_available"),
    (TOKEN, "add"): _all_of("tokens.add_edit"),
    (TOKEN, "change"): _all_of("tokens.add_edit"),
    (TOKEN, "delete"): _all_of("tokens.delete"),
    (TOKEN, "view_events"): _all_of("tokens.ui_available"),
    (SCRIPT, "view"): _all_of("automation.ui_available"),
    (SCRIPT, "add"): _all_of("automation.add_edit"),
    (SCRIPT, "change"): _all_of("automation.add_edit"),
    (SCRIPT, "publish"): _all_of("automation.add_edit", "automation.execute"),
    (SCRIPT, "delete"): _all_of("automation.delete"),
    (SCRIPT, "view_events"): _all_of("automation.ui_available"),
    (SCRIPT, "try"): _all_of("automation.add_edit", "automation.execute"),
    (CREDENTIAL, "view"): _all_of("automation.credentials_ui_available"),
    (CREDENTIAL, "add"): _all_of("automation.credentials_add_edit"),
    (CREDENTIAL, "change"): _all_of("automation.credentials_add_edit"),
    (CREDENTIAL, "delete"): _all_of("automation.credentials_delete"),
    (CREDENTIAL, "view_events"): _all_of("automation.credentials_ui_available"),
    (RUN, "view"): _all_of("runs.ui_available"),
    (RUN, "view_events"): _all_of("runs.ui_available"),
    (RUN, "view_bodies"): _all_of("runs.ui_available", "runs.bodies"),
    (RUN, "cancel"): _all_of("runs.cancel"),
    (RUN, "add"): _all_of("definitions.ui_available", "automation.execute"),
    (RUN, "replay"): _all_of("definitions.ui_available", "automation.execute", "runs.bodies"),
    (NODE, "view"): _any_of("definitions.ui_available", "tokens.ui_available"),
    (MIRROR, "view"): _any_of("definitions.ui_available", "tokens.ui_available"),
    (MIRROR, "view_events"): _any_of("definitions.ui_available", "tokens.ui_available"),
    (MESSAGE, "send"): _all_of("definitions.ui_available", "tokens.ui_available", "automation.execute"),
}

FLAGS: Final[frozenset[str]] = frozenset().union(*(flags for need in POLICY.values() for flags in need))
"""Every flag of the product."""


def allows(user: AnyUser, model_label: str, action: Action) -> bool:
    """Whether `user` may do `action` with objects of `model_label` (`"tokens.apitoken"`).

    Raises:
        KeyError: the policy has no such row.
    """
    need = POLICY[model_label, action]
    return any(all(_has(user, flag) for flag in flags) for flags in need)


def labels_allowing(user: AnyUser, action: Action) -> frozenset[str]:
    """The models for whose objects `user` may do `action`."""
    return frozenset(label for label, known in POLICY if known == action and allows(user, label, action))


def may_enter(user: AnyUser) -> bool:
    """Whether `user` may log in to the console: with any flag of the product."""
    return any(_has(user, flag) for flag in FLAGS)


def manages_people(user: AnyUser) -> bool:
    """Whether `user` may edit users and groups: only superusers, because it amounts to having every flag."""
    return bool(user.is_active and user.is_superuser)  # type: ignore[attr-defined]


def _has(user: AnyUser, flag: str) -> bool:
    return bool(user.is_active and user.has_perm(flag))  # type: ignore[attr-defined]

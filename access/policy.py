"""Who may do what: the one table that every interface asks.

Codenames are the flags of the contract; a missing row is a mistake of ours and raises.
"""

from collections.abc import Mapping
from typing import Final, Literal

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

Action = Literal["view", "add", "change", "delete"]

POLICY: Final[Mapping[tuple[str, Action], tuple[str, ...]]] = {
    ("definitions.apidefinition", "view"): ("definitions.ui_available",),
    ("definitions.apidefinition", "add"): ("definitions.add_edit", "automation.execute"),
    ("definitions.apidefinition", "change"): ("definitions.add_edit", "automation.execute"),
    ("definitions.apidefinition", "delete"): ("definitions.delete",),
    ("tokens.apitoken", "view"): ("tokens.ui_available",),
    ("tokens.apitoken", "add"): ("tokens.add_edit",),
    ("tokens.apitoken", "change"): ("tokens.add_edit",),
    ("tokens.apitoken", "delete"): ("tokens.delete",),
    ("automation.automationscript", "view"): ("automation.ui_available",),
    ("automation.automationscript", "add"): ("automation.add_edit",),
    ("automation.automationscript", "change"): ("automation.add_edit",),
    ("automation.automationscript", "delete"): ("automation.delete",),
}


def allows(user: AbstractBaseUser | AnonymousUser, model_label: str, action: Action) -> bool:
    """Whether `user` may do `action` with objects of `model_label` (`"tokens.apitoken"`).

    Raises:
        KeyError: the policy has no row for it.
    """
    needed = POLICY[model_label, action]
    return bool(user.is_active) and all(user.has_perm(flag) for flag in needed)  # type: ignore[union-attr]

"""Changes of objects whose content does not matter, for what happens after any change."""

from itertools import count
from typing import TypeVar

from automation.models import AutomationScript, Credential
from definitions.models import ApiDefinition
from objects.authorship import SYSTEM
from objects.changes import save_checked
from tokens.models import ApiToken

Changed = TypeVar("Changed", ApiDefinition, ApiToken, AutomationScript, Credential)

_limits = count(1)


def altered(instance: Changed) -> Changed:
    """`instance` with something else than is stored; it is not saved."""
    if isinstance(instance, ApiToken):
        instance.rate_limit, instance.rate_window_seconds = 100, 10_000 + next(_limits)
    else:
        instance.description = f"{next(_limits)}"
    return instance


def change(instance: Changed, by: str = SYSTEM) -> Changed:
    """Change `instance` in any way, as the user named `by`."""
    return save_checked(altered(instance), by)

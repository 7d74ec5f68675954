"""Which changes of a script publish code, and so need Automation > Execute: one rule for every interface."""

from dataclasses import dataclass
from typing import Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from access.policy import SCRIPT, AnyUser, allows
from automation.models import AutomationScript
from automation.source import RUN, has_entry_point
from definitions.models import ApiDefinition

USED = _("An API runs this script: changing its source needs Automation > Execute as well.")
CALLED = _(
    "Scripts call a script with run(engine) by its name: "
    "adding or renaming one, or changing its source, needs Automation > Execute as well."
)


@dataclass(frozen=True)
class Exposure:
    """Whether an API runs the script, and whether there is any API, whose script could call it."""

    is_used: bool
    is_any: bool

    @classmethod
    def of(cls, stored: AutomationScript | None) -> Self:
        """The current state. While the caller has the script's row locked, no new API can use it."""
        is_used = stored is not None and ApiDefinition.objects.filter(script=stored).exists()
        return cls(is_used, is_used or ApiDefinition.objects.exists())


def why_publishing(stored: AutomationScript | None, name: str, source: str, exposure: Exposure) -> Promise | None:
    """Why saving `name` and `source` publishes code; `stored` is the script before, None for a new one."""
    changes_source = stored is None or stored.source != source
    if stored is not None and stored.name == name and not changes_source:
        return None
    if exposure.is_used and changes_source:
        return USED
    is_called = (stored is not None and stored.has_run) or has_entry_point(source, RUN)
    return CALLED if exposure.is_any and is_called else None


def refused_publishing(user: AnyUser, stored: AutomationScript | None, name: str, source: str) -> Promise | None:
    """Why `user` may not save `name` and `source`; None if they may. The caller has the row of `stored` locked."""
    if allows(user, SCRIPT, "publish"):
        return None
    return why_publishing(stored, name, source, Exposure.of(stored))


def locked_source(user: AnyUser, stored: AutomationScript) -> Promise | None:
    """Why `user` may not change the source of `stored` at all; None if they may."""
    return refused_publishing(user, stored, stored.name, source="")

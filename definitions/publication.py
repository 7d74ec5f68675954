"""Which changes of a script publish code, and so need Automation > Execute: one rule for every interface."""

from dataclasses import dataclass
from typing import Self

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from access.policy import SCRIPT, AnyUser, allows
from automation.models import AutomationScript
from automation.source import RUN, has_entry_point
from automation.versions import ScriptKind, ScriptVersion
from definitions.models import ApiDefinition

USED = _("An API runs this script: changing its source needs Automation > Execute as well.")
CALLED = _(
    "Scripts call a script with run(engine) by its name, and import a library by its name: "
    "adding or renaming one, or changing its source, needs Automation > Execute as well."
)


@dataclass(frozen=True)
class Draft:
    """What a save makes of a script, as far as it concerns publishing."""

    name: str
    source: str
    kind: str
    renews: bool = False
    """Whether it takes the current versions of its libraries, or its packages anew: as good as a change of its source.
    """

    @classmethod
    def of(cls, script: AutomationScript) -> Self:
        """The script as it is in memory."""
        return cls(script.name, script.source, script.kind, script.renews_libraries or script.renews_packages)

    @property
    def is_called(self) -> bool:
        """Whether other scripts can call or import it."""
        return self.kind == ScriptKind.LIBRARY or has_entry_point(self.source, RUN)


def why_publishing(stored: AutomationScript | None, draft: Draft, *, is_used: bool, is_any: bool) -> Promise | None:
    """Why saving `draft` publishes code; `stored` is the script before, None for a new one.

    `is_used`: an API runs the script. `is_any`: there is some API, whose script could call it.
    """
    was = None if stored is None else Draft(stored.name, stored.source, stored.kind)
    changes_source = was is None or draft.renews or (was.source, was.kind) != (draft.source, draft.kind)
    if was is not None and was.name == draft.name and not changes_source:
        return None
    if is_used and changes_source:
        return USED
    is_called = draft.is_called or (was is not None and was.is_called)
    return CALLED if is_any and is_called else None


def refused_publishing(user: AnyUser, stored: AutomationScript | None, draft: Draft) -> Promise | None:
    """Why `user` may not save `draft`; None if they may.

    The caller has the row of `stored` locked, so that no new API can use it meanwhile.
    """
    if allows(user, SCRIPT, "publish"):
        return None
    is_used = stored is not None and ApiDefinition.objects.filter(script=stored).exists()
    return why_publishing(stored, draft, is_used=is_used, is_any=is_used or ApiDefinition.objects.exists())


def refused_activation(user: AnyUser, stored: AutomationScript, version: ScriptVersion) -> Promise | None:
    """Why `user` may not make `version` current; None if they may. It counts as a change of the source."""
    # Asked first: the source of a version may not have been read yet.
    if allows(user, SCRIPT, "publish"):
        return None
    return refused_publishing(user, stored, Draft(stored.name, version.source, version.kind, renews=True))


def refused_renewal(user: AnyUser, stored: AutomationScript) -> Promise | None:
    """Why `user` may not renew the script; None if they may."""
    return refused_publishing(user, stored, Draft(stored.name, stored.source, stored.kind, renews=True))


def locked_source(user: AnyUser, stored: AutomationScript) -> Promise | None:
    """Why `user` may not change the source of `stored` at all; None if they may."""
    return refused_publishing(user, stored, Draft(stored.name, "", stored.kind))

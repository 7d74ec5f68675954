"""Which changes of a script publish code, and so need Automation > Execute: one rule for every interface."""

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


def why_publishing(
    stored: AutomationScript | None, name: str, source: str, *, is_used: bool, is_any: bool
) -> Promise | None:
    """Why saving `name` and `source` publishes code; `stored` is the script before, None for a new one.

    `is_used`: an API runs the script. `is_any`: there is some API, whose script could call it.
    """
    changes_source = stored is None or stored.source != source
    if stored is not None and stored.name == name and not changes_source:
        return None
    if is_used and changes_source:
        return USED
    is_called = (stored is not None and stored.has_run) or has_entry_point(source, RUN)
    return CALLED if is_any and is_called else None


def refused_publishing(user: AnyUser, stored: AutomationScript | None, name: str, source: str) -> Promise | None:
    """Why `user` may not save `name` and `source`; None if they may.

    The caller has the row of `stored` locked, so that no new API can use it meanwhile.
    """
    if allows(user, SCRIPT, "publish"):
        return None
    is_used = stored is not None and ApiDefinition.objects.filter(script=stored).exists()
    return why_publishing(stored, name, source, is_used=is_used, is_any=is_used or ApiDefinition.objects.exists())


def locked_source(user: AnyUser, stored: AutomationScript) -> Promise | None:
    """Why `user` may not change the source of `stored` at all; None if they may."""
    return refused_publishing(user, stored, stored.name, source="")

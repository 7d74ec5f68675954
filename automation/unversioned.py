"""Scripts that the release before has saved, without a version, while the fleet is upgraded."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet

from automation import history, libraries
from automation.models import AutomationScript
from automation.versions import ScriptVersion

_UNVERSIONED = (
    Q(current_version=None, pending_version=None) | Q(versioned_revision=None) | ~Q(versioned_revision=F("revision"))
)


def keep_missing() -> int:
    """Keep a version of each script that has none of its last save; returns how many there were."""
    scripts = list(_unversioned().values_list("pk", flat=True))
    return sum(_keep(script_id) for script_id in scripts)


def keep_of(script_id: UUID) -> None:
    """The same for one script."""
    if _unversioned().filter(pk=script_id).exists():
        _keep(script_id)


def _unversioned() -> QuerySet[AutomationScript]:
    return AutomationScript.objects.filter(_UNVERSIONED)


@transaction.atomic
def _keep(script_id: UUID) -> bool:
    """No change of the script: no event, and its revision and author stay. False if another writer was faster."""
    script = _unversioned().filter(pk=script_id).select_for_update().first()
    if script is None:
        return False
    script.hold_for([script])
    history.keep_stored(script, _libraries(script))
    numbers = {"current_version": script.current_version, "pending_version": script.pending_version}
    AutomationScript._base_manager.filter(pk=script_id).update(**numbers, versioned_revision=F("revision"))
    return True


def _libraries(script: AutomationScript) -> Mapping[str, ScriptVersion]:
    """Its libraries; none if one cannot be resolved, since the release before does not check them."""
    try:
        return history.resolve_libraries(script)
    except libraries.LibraryError:
        return {}

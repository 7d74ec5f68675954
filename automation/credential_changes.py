"""Saving credentials together with the scripts that they are granted to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from automation.credentials import Credential, CredentialGrant
from automation.models import AutomationScript
from automation.versions import ScriptKind
from foundation.texts import is_storable
from objects.changes import refusal, save_checked
from objects.field_changes import FieldChange


def save_credential(
    credential: Credential, by: str, allowed_scripts: Iterable[AutomationScript | UUID] | None = None
) -> Credential:
    """Save `credential` for the user named `by`, granted to exactly these scripts; None leaves the grants as they are.

    Raises:
        ValidationError: a rule refuses the change, or a script does not exist or is a library (`InvalidField` +
            `field`). Nothing was saved.
    """
    if allowed_scripts is None:
        return save_checked(credential, by)
    script_ids = {script.pk if isinstance(script, AutomationScript) else script for script in allowed_scripts}
    return save_checked(credential, by, _Granted(credential, frozenset(script_ids)))


def scripts_named(names: Collection[str]) -> set[UUID]:
    """The ids of the scripts with these names.

    Raises:
        ValidationError: `InvalidField`: there is none of such a name.
    """
    storable = set(filter(is_storable, names))
    found = dict(AutomationScript.objects.filter(name__in=storable).values_list("name", "pk"))
    for name in names:
        if name not in found:
            raise _refused(_("There is no script %(script)s."), script=name if name in storable else ascii(name))
    return set(found.values())


@dataclass(frozen=True)
class _Granted:
    """Exactly the scripts that a credential is saved with."""

    credential: Credential
    script_ids: frozenset[UUID]

    @cached_property
    def _present(self) -> frozenset[UUID]:
        """Read while the credential's row is locked."""
        return frozenset(self._rows().values_list("script_id", flat=True))

    def _rows(self) -> QuerySet[CredentialGrant]:
        return CredentialGrant._base_manager.filter(credential=self.credential)

    def change(self) -> FieldChange | None:
        return FieldChange.of_set("allowed_scripts", self._present, self.script_ids)

    def store(self) -> None:
        if self._present - self.script_ids:
            gone = self._rows().filter(script__in=self._present - self.script_ids)
            gone._raw_delete(gone.db)
        _grant(self.credential, self.script_ids - self._present)


def _grant(credential: Credential, script_ids: frozenset[UUID]) -> None:
    """Add grants. The scripts' rows stay locked, so that no other writer deletes them before the commit."""
    held = AutomationScript.objects.filter(pk__in=script_ids).select_for_update().order_by("pk")
    scripts = list(held.values_list("pk", "name", "kind"))
    if len(scripts) < len(script_ids):
        raise _refused(_("A script in the list does not exist."))
    for _pk, name, kind in scripts:
        if kind == ScriptKind.LIBRARY:
            raise _refused(_("%(script)s is a library: grant it to the scripts that import it."), script=name)
    # Without signals: saving the credential has already recorded the event of this change.
    CredentialGrant._base_manager.bulk_create(
        CredentialGrant(credential=credential, script_id=pk) for pk, _name, _kind in scripts
    )


def _refused(rule: str, /, **details: object) -> ValidationError:
    return refusal("InvalidField", rule, field="allowedScripts", **details)

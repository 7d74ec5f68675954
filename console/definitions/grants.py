"""Which tokens may call an API, changed from its page or from that of a token."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from definitions.changes import save_definition
from definitions.models import AllowedToken, ApiDefinition


@dataclass(frozen=True)
class GrantChange:
    """The definition as it was saved, and the tokens that were allowed and removed by that; both may be none."""

    definition: ApiDefinition
    allowed: Sequence[UUID]
    removed: Sequence[UUID]

    @property
    def has_changed(self) -> bool:
        return bool(self.allowed or self.removed)


def change_grants(
    definition_id: UUID, by: str, *, allow: Collection[UUID] = (), remove: Collection[UUID] = ()
) -> GrantChange | None:
    """Allow and remove tokens, whatever others have changed meanwhile. None where there is no such definition.

    Raises:
        ValidationError: a rule refuses it, or a token does not exist.
    """
    with transaction.atomic():
        definition = ApiDefinition._base_manager.select_for_update().filter(pk=definition_id).first()
        if definition is None:
            return None
        rows = AllowedToken.objects.filter(definition=definition_id)
        present = set(rows.values_list("token_id", flat=True))
        allowed, removed = sorted(set(allow) - present), sorted(set(remove) & present)
        if allowed or removed:
            save_definition(definition, by, (present | set(allowed)) - set(removed))
        return GrantChange(definition, allowed, removed)

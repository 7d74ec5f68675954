"""Saving definitions together with their allowed tokens."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.signals import post_save, pre_delete
from django.dispatch import receiver
from django.utils.translation import gettext as _

from automation.models import AutomationScript
from automation.required import pinned_versions
from automation.retention import needed_versions
from automation.versions import ScriptVersion
from definitions import routes
from definitions.models import AllowedToken, ApiDefinition, RoutePrefix
from objects.changes import add_checked, added_together, refusal, save_checked
from objects.field_changes import FieldChange
from tokens.models import ApiToken


def save_definition(
    definition: ApiDefinition, by: str, allowed_tokens: Iterable[ApiToken | UUID] | None = None
) -> ApiDefinition:
    """Save `definition` for the user named `by`, with exactly these `allowed_tokens`; None leaves them as they are.

    Raises:
        ValidationError: a rule refuses the change, or a token does not exist (`InvalidField` + `field`). Nothing was
            saved.
    """
    if allowed_tokens is None:
        return save_checked(definition, by)
    token_ids = {token.pk if isinstance(token, ApiToken) else token for token in allowed_tokens}
    return save_checked(definition, by, _Allowed(definition, frozenset(token_ids), is_new=definition._state.adding))


def add_definitions(definitions: Sequence[ApiDefinition], by: str, allowed_tokens: Mapping[UUID, Set[UUID]]) -> None:
    """Add new definitions for the user named `by`, all or none; `allowed_tokens` has the tokens of each by its id.

    Raises:
        ValidationError, IntegrityError: one of them is refused. `save_definition` says which, and why.
    """
    add_checked(definitions, by, then=lambda: _allow(allowed_tokens))


@dataclass(frozen=True)
class _Allowed:
    """Exactly the tokens that a definition is saved with."""

    definition: ApiDefinition
    token_ids: frozenset[UUID]
    is_new: bool

    @cached_property
    def _present(self) -> frozenset[UUID]:
        """Read while the definition's row is locked."""
        return frozenset() if self.is_new else frozenset(self._rows().values_list("token_id", flat=True))

    def _rows(self) -> QuerySet[AllowedToken]:
        return AllowedToken._base_manager.filter(definition=self.definition)

    def change(self) -> FieldChange | None:
        return FieldChange.of_set("allowed_tokens", self._present, self.token_ids)

    def store(self) -> None:
        if self._present - self.token_ids:
            gone = self._rows().exclude(token__in=self.token_ids)
            gone._raw_delete(gone.db)
        _allow({self.definition.pk: self.token_ids - self._present})


def _allow(allowed_tokens: Mapping[UUID, Set[UUID]]) -> None:
    """Add tokens, by definition. Their rows stay locked, so that no other writer deletes them before the commit."""
    needed = set().union(*allowed_tokens.values())
    held = ApiToken.objects.filter(pk__in=needed).select_for_update().order_by("pk")
    if set(held.values_list("pk", flat=True)) != needed:
        raise refusal("InvalidField", _("A token in the list does not exist."), field="allowedTokens")
    # Without signals: saving the definition has already recorded the event of this change.
    AllowedToken._base_manager.bulk_create(
        AllowedToken(definition_id=definition_id, token_id=token_id)
        for definition_id, token_ids in allowed_tokens.items()
        for token_id in sorted(token_ids)
    )


@receiver(post_save, sender=ApiDefinition)
def index_dynamic_route(instance: ApiDefinition, created: bool, **kwargs: object) -> None:
    """Store the prefixes of a dynamic route for look-ups; a static one needs none."""
    if not created:
        RoutePrefix.objects.filter(definition=instance).delete()
    index_dynamic_routes([instance])


@receiver(added_together, sender=ApiDefinition)
def index_dynamic_routes(instances: Iterable[ApiDefinition], **kwargs: object) -> None:
    RoutePrefix.objects.bulk_create(
        RoutePrefix(definition=definition, prefix=prefix)
        for definition in instances
        if routes.PLACEHOLDER in definition.signature
        for prefix in routes.prefixes(definition.signature)
    )


@receiver(pre_delete, sender=AutomationScript)
def refuse_to_delete_pinned_library(instance: AutomationScript, **kwargs: object) -> None:
    """Keep a library that a version uses to which a definition is pinned. Both writers hold the libraries.

    Raises:
        ValidationError: `ScriptInUse` (+ `scriptLinks`, `apiDefinitionIdLinks`).
    """
    pinned = ScriptVersion.objects.filter(
        number=F("script__api_definitions__script_version"), library_uses__library__script=instance.pk
    )
    found = set(pinned.order_by().values_list("script__name", "script__api_definitions__pk"))
    if not found:
        return
    names, links = sorted({name for name, _pk in found}), sorted({str(pk) for _name, pk in found})
    rule = _("%(count)d API definition(s) are pinned to versions that use this library: versions of %(scripts)s.")
    details = {"apiDefinitionIdLinks": links, "count": len(links)}
    raise refusal("ScriptInUse", rule, scriptLinks=names, scripts=", ".join(names), **details)


@receiver(pinned_versions, sender=ScriptVersion)
def running_by_pin(**kwargs: object) -> QuerySet[ScriptVersion, int]:
    """The ids of the versions that definitions are pinned to."""
    pinned = ScriptVersion.objects.filter(number=F("script__api_definitions__script_version"))
    return pinned.order_by().values_list("pk", flat=True)


@receiver(needed_versions, sender=AutomationScript)
def needed_by_pin(script_id: UUID, **kwargs: object) -> set[int]:
    """The numbers of the versions of a script that definitions are pinned to."""
    pins = ApiDefinition.objects.filter(script=script_id).values_list("script_version", flat=True)
    return {number for number in pins if number is not None}

"""Intents, written in the transaction of the change: a change that is rolled back leaves none."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver

from automation.models import AutomationScript
from definitions.models import AllowedToken, ApiDefinition
from objects.changes import added_together
from search.models import DEFINITIONS, SCRIPT_NAME, TOKEN_NAME, TOKENS, Intent
from search.state import switch
from tokens.models import ApiToken

_KINDS = {ApiDefinition: DEFINITIONS, ApiToken: TOKENS}
_RENAMES = {ApiToken: TOKEN_NAME, AutomationScript: SCRIPT_NAME}


@receiver(post_save, sender=ApiDefinition)
@receiver(post_save, sender=ApiToken)
@receiver(post_delete, sender=ApiDefinition)
@receiver(post_delete, sender=ApiToken)
def note_change(instance: Any, using: str, **kwargs: object) -> None:
    _note(_KINDS[type(instance)], instance.pk, using)


@receiver(added_together, sender=ApiDefinition)
@receiver(added_together, sender=ApiToken)
def note_additions(sender: type[Any], instances: Iterable[Any], using: str, **kwargs: object) -> None:
    if switch.is_on():
        intents = [Intent(kind=_KINDS[sender], object_id=str(instance.pk)) for instance in instances]
        Intent.objects.using(using).bulk_create(intents)


@receiver(post_save, sender=AllowedToken)
@receiver(post_delete, sender=AllowedToken)
def note_allowed(instance: AllowedToken, using: str, **kwargs: object) -> None:
    """Write the definition again. `save_definition` sends no such signal: there, its own save is enough."""
    _note(DEFINITIONS, instance.definition_id, using)


@receiver(pre_save, sender=ApiToken)
@receiver(pre_save, sender=AutomationScript)
def note_rename(instance: Any, using: str, **kwargs: object) -> None:
    """Definitions show the name, too."""
    if instance._state.adding or not switch.is_on():
        return
    # Locked, so that the name is compared with the one that it replaces.
    rows = type(instance)._base_manager.using(using).filter(pk=instance.pk).select_for_update()
    former = rows.values_list("name", flat=True).first()
    if former is not None and former != instance.name:
        _note(_RENAMES[type(instance)], instance.pk, using)


def _note(kind: str, object_id: object, using: str) -> None:
    if switch.is_on():
        Intent(kind=kind, object_id=str(object_id)).save(using=using)


def definitions_showing(rename: Intent) -> "QuerySet[ApiDefinition]":
    """The definitions that show the name of the token or script of `rename`."""
    column = "allowed_tokens" if rename.kind == TOKEN_NAME else "script"
    return ApiDefinition.objects.filter((column, UUID(rename.object_id)))

"""Noting changes for the mirror, in the transaction of the change: what is rolled back leaves no intent."""

from collections.abc import Iterable
from typing import Any

from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver

from automation.models import AutomationScript
from definitions.models import AllowedToken, ApiDefinition
from objects.announcements import added_together
from search.models import DEFINITIONS, SCRIPT_NAME, TOKEN_NAME, TOKENS, Intent
from search.switch import is_on
from tokens.models import ApiToken

_KINDS = {ApiDefinition: DEFINITIONS, ApiToken: TOKENS}
_NAMES = {ApiToken: TOKEN_NAME, AutomationScript: SCRIPT_NAME}


@receiver(post_save, sender=ApiDefinition)
@receiver(post_save, sender=ApiToken)
@receiver(post_delete, sender=ApiDefinition)
@receiver(post_delete, sender=ApiToken)
def note_change(instance: Any, using: str, **kwargs: object) -> None:
    """The object is to be written, or taken away."""
    _note(_KINDS[type(instance)], instance.pk, using)


@receiver(added_together, sender=ApiDefinition)
@receiver(added_together, sender=ApiToken)
def note_additions(sender: type[Any], instances: Iterable[Any], using: str, **kwargs: object) -> None:
    """Each of the objects is to be written."""
    if is_on():
        intents = [Intent(kind=_KINDS[sender], object_id=str(instance.pk)) for instance in instances]
        Intent.objects.using(using).bulk_create(intents)


@receiver(post_save, sender=AllowedToken)
@receiver(post_delete, sender=AllowedToken)
def note_allowed(instance: AllowedToken, using: str, **kwargs: object) -> None:
    """The definition lists other tokens; `save_definition` sends no such signal, its own save is enough."""
    _note(DEFINITIONS, instance.definition_id, using)


@receiver(pre_save, sender=ApiToken)
@receiver(pre_save, sender=AutomationScript)
def note_new_name(instance: Any, using: str, **kwargs: object) -> None:
    """The name stands in other documents too. Its row is held, so that it is compared with what it replaces."""
    if instance._state.adding or not is_on():
        return
    rows = type(instance)._base_manager.using(using).filter(pk=instance.pk).select_for_update()
    former = rows.values_list("name", flat=True).first()
    if former is not None and former != instance.name:
        _note(_NAMES[type(instance)], instance.pk, using)


def _note(kind: str, object_id: object, using: str) -> None:
    if is_on():
        Intent(kind=kind, object_id=str(object_id)).save(using=using)

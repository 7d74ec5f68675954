"""Bringing noted changes to the mirror, oldest first."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from definitions.models import ApiDefinition
from search.kinds import ALL, MirroredKind
from search.models import DEFINITIONS, KINDS, SPREADS, TOKEN_NAME, Intent, SetAside
from search.writing import PAGE, Written, write


def drain(most: int = PAGE) -> int:
    """Bring up to `most` noted changes to the mirror, and of the definitions that show a new name.

    Returns how many were done; 0 when nothing is left.

    Raises:
        MirrorError: what was not brought stays noted.
    """
    intents = list(Intent.objects.filter(kind__in=KINDS).order_by("pk")[:most])
    for name in KINDS:
        ids = [intent.object_id for intent in intents if intent.kind == name]
        if ids:
            bring(ALL[name], ids)
            _forget(intent for intent in intents if intent.kind == name)
    return len(intents) + _spread(most)


def bring(kind: MirroredKind, ids: Sequence[str]) -> Written:
    """Bring documents to what the database says, and note which of them are refused.

    Raises:
        MirrorError: some may not have been written.
    """
    written = write(kind, ids)
    settle(kind, ids, written)
    return written


def settle(kind: MirroredKind, ids: Sequence[str], written: Written) -> None:
    """What was refused is set aside, and what was not is so no longer."""
    aside = SetAside.objects.filter(kind=kind.name)
    known = set(aside.filter(object_id__in=ids).values_list("object_id", flat=True))
    if not (known or written.refused):
        return
    with transaction.atomic():
        aside.filter(object_id__in=known - written.refused.keys()).delete()
        for object_id, reason in written.refused.items():
            aside.update_or_create(kind=kind.name, object_id=object_id, defaults={"reason": reason})


def _spread(most: int) -> int:
    """The next of the definitions that show names which have changed, `most` of them, in one piece."""
    reached: list[str] = []
    over: list[Intent] = []
    begun: list[Intent] = []
    for intent in Intent.objects.filter(kind__in=SPREADS).order_by("pk")[:most]:
        room = most - len(reached)
        ids = _next_showing(intent, room)
        reached += ids
        if len(ids) == room:
            intent.cursor = ids[-1]
            begun = [intent]
            break
        over.append(intent)
    if reached:
        bring(ALL[DEFINITIONS], reached)
    Intent.objects.bulk_update(begun, ["cursor"])
    _forget(over)
    return len(reached) + len(over)


def _next_showing(intent: Intent, most: int) -> list[str]:
    shown = showing(intent).order_by("pk")
    if intent.cursor:
        shown = shown.filter(pk__gt=intent.cursor)
    return [str(key) for key in shown.values_list("pk", flat=True)[:most]]


def showing(intent: Intent) -> "QuerySet[ApiDefinition]":
    """The definitions that show the name which `intent` is about."""
    if intent.kind == TOKEN_NAME:
        return ApiDefinition.objects.filter(allowed_tokens=UUID(intent.object_id))
    return ApiDefinition.objects.filter(script=UUID(intent.object_id))


def _forget(intents: Iterable[Intent]) -> None:
    Intent.objects.filter(pk__in=[intent.pk for intent in intents]).delete()

"""Bringing definitions and tokens back from the mirror, or from a snapshot of it, into an empty database."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.dateparse import parse_datetime
from elasticsearch.helpers import scan

from automation.models import AutomationScript
from definitions.models import AllowedToken, ApiDefinition
from objects.authorship import AuthoredModel
from search.connection import asking, client
from search.kinds import ALL, MirroredKind, Source
from search.models import DEFINITIONS, TOKENS
from tokens.models import ApiToken


class RestoreError(Exception):
    """Nothing was restored."""


def restore(definitions: str | None, tokens: str | None) -> list[str]:
    """Make what the indices `definitions` and `tokens` (the mirror's own where None) tell of; what was done, in lines.

    A mirror has no secrets: tokens come back disabled, and each with a secret that nobody knows. It has no scripts
    either: a definition gets the script of the same name, if there is one.

    Raises:
        RestoreError: the database is not empty, or a document cannot be taken; nothing was restored.
        MirrorError: Elasticsearch does not answer.
    """
    if ApiDefinition.objects.exists() or ApiToken.objects.exists():
        raise RestoreError("There are definitions or tokens already: restore takes an empty database only.")
    with transaction.atomic():
        token_count = sum(1 for source in _sources(ALL[TOKENS], tokens) if _restored(_token, source))
        without_script = [_restored(_definition, source) for source in _sources(ALL[DEFINITIONS], definitions)]
    lost = sorted({name for name in without_script if name})
    lines = [
        f"{token_count} token(s), disabled and without a known secret: rotate each, then enable it.",
        f"{len(without_script)} definition(s).",
    ]
    if lost:
        lines.append(
            f"These scripts do not exist: {', '.join(lost)}. Their definitions answer error 15 until they get one."
        )
    return lines


def _sources(kind: MirroredKind, index: str | None) -> Iterator[Source]:
    with asking():
        yield from (hit["_source"] for hit in scan(client(), index=index or kind.alias, size=500))


def _restored(make: Any, source: Source) -> Any:
    try:
        return make(source)
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise RestoreError(f"The document {source.get('id')} cannot be taken: {error!r}") from error


def _token(source: Source) -> bool:
    limit = source["rateLimit"] or {}
    token = ApiToken(
        pk=source["id"],
        name=source["name"],
        is_disabled=True,
        rate_limit=limit.get("limit"),
        rate_window_seconds=limit.get("windowSeconds"),
    )
    token.set_secret(None)
    token.full_clean()
    token.save()
    _sign(token, source)
    return True


def _definition(source: Source) -> str | None:
    """Make it; the name of its script where that does not exist."""
    script = AutomationScript.objects.filter(name=source["scriptName"]).first()
    definition = ApiDefinition(
        pk=source["id"],
        name=source["name"],
        description=source["description"],
        route=source["route"],
        action_type=source["actionType"],
        input_type=source["inputType"],
        script=script,
    )
    _check(definition)
    definition.save()
    allowed = [AllowedToken(definition=definition, token_id=each["id"]) for each in source["allowedTokens"]]
    AllowedToken._base_manager.bulk_create(allowed)
    _sign(definition, source)
    return None if script else str(source["scriptName"])


def _check(definition: ApiDefinition) -> None:
    """All rules but the one that the script exists and has the entry point: it may come later."""
    try:
        definition.full_clean()
    except ValidationError as error:
        left = {field: errors for field, errors in error.error_dict.items() if field != "script"}
        if left:
            raise ValidationError(left) from error


def _sign(instance: AuthoredModel, source: Source) -> None:
    """Authors, times and version as they were; the save has set its own."""
    type(instance)._base_manager.filter(pk=instance.pk).update(
        created_by=source["createdBy"],
        created_at=_moment(source["createdAt"]),
        last_modified_by=source["lastModifiedBy"],
        last_modified=_moment(source["lastModified"]),
        version=source["version"] + 1,
    )


def _moment(text: str) -> datetime:
    found = parse_datetime(text)
    if found is None:
        raise ValueError(text)
    return found

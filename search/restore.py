"""Restoring definitions and tokens from the mirror, or from a snapshot of it, into an empty database."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from elasticsearch.helpers import scan
from rest_framework import serializers

from definitions.models import AllowedToken, ApiDefinition
from objects.authorship import AuthoredModel
from search.connection import client
from search.indices import MIRRORED, MirroredKind, Source
from search.models import DEFINITIONS, TOKENS
from tokens.models import ApiToken

Restored = TypeVar("Restored")


class RestoreError(Exception):
    """Nothing was restored."""


def restore(definitions: str | None, tokens: str | None) -> list[str]:
    """Restore from these indices, or from those of the mirror if None; returns lines that say what was restored.

    The mirror has no secrets: each token is disabled and gets a secret that nobody knows. It has no scripts either: a
    definition gets the script that has the name of its old one, if there is one, and stays pinned to the same number.

    Raises:
        RestoreError: the database is not empty, or a document is not valid.
        MirrorError
    """
    if ApiDefinition.objects.exists() or ApiToken.objects.exists():
        raise RestoreError("There are definitions or tokens already: restore needs an empty database.")
    with transaction.atomic():
        token_count = len(_restored(_token, MIRRORED[TOKENS], tokens))
        restored = _restored(_definition, MIRRORED[DEFINITIONS], definitions)
    lines = [
        f"{token_count} token(s), disabled and without a known secret: rotate each, then enable it.",
        f"{len(restored)} definition(s).",
    ]
    if lost := _listed(name for name, version in restored if version is None):
        lines.append(f"These scripts do not exist: {lost}. Definitions without a script answer error 15.")
    if gone := _listed(f"{name} version {version}" for name, version in restored if version):
        lines.append(f"These versions do not exist: {gone}. Definitions that are pinned to one answer error 15.")
    return lines


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted({name for name in names if name}))


def _restored(restore_one: Callable[[Source], Restored], kind: MirroredKind, index: str | None) -> list[Restored]:
    restored = []
    for hit in scan(client(), index=index or kind.alias, size=500):
        try:
            restored.append(restore_one(hit["_source"]))
        except (KeyError, TypeError, ValueError, ValidationError, serializers.ValidationError) as error:
            raise RestoreError(f"The document {hit['_source'].get('id')} is not valid: {error!r}") from error
    return restored


def _token(source: Source) -> None:
    token = ApiToken(pk=source["id"])
    _fill(token, MIRRORED[TOKENS], source)
    token.is_disabled = True
    token.set_secret(None)
    token.full_clean()
    token.save()
    _sign(token, source)


def _definition(source: Source) -> tuple[str, int | None]:
    """Returns what is missing: (script, None), (script, number of its version), or ("", None) for nothing."""
    definition = ApiDefinition(pk=source["id"])
    _fill(definition, MIRRORED[DEFINITIONS], source)
    _check(definition)
    definition.save()
    allowed = [AllowedToken(definition=definition, token_id=each["id"]) for each in source["allowedTokens"]]
    AllowedToken._base_manager.bulk_create(allowed)
    _sign(definition, source)
    script, pinned = definition.script, definition.script_version
    if script is None:
        return source["scriptName"] or "", None
    is_there = pinned is None or script.versions.filter(number=pinned).exists()
    return ("", None) if is_there else (script.name, pinned)


def _fill(instance: AuthoredModel, kind: MirroredKind, source: Source) -> None:
    for name, field in kind.document.serialized.items():
        # A snapshot may be older than a property that has a default.
        value = source[name] if field.required else source.get(name)
        if value is not None and field.is_column and not field.read_only:
            field.put(instance, value)


def _check(definition: ApiDefinition) -> None:
    """All rules except those of the script, which may be added later."""
    try:
        definition.full_clean()
    except ValidationError as error:
        left = {field: errors for field, errors in error.error_dict.items() if field != "script"}
        if left:
            raise ValidationError(left) from error


def _sign(instance: AuthoredModel, source: Source) -> None:
    """Restore authors, times and revision, which the save has overwritten."""
    type(instance)._base_manager.filter(pk=instance.pk).update(
        created_by=source["createdBy"],
        created_at=datetime.fromisoformat(source["createdAt"]),
        last_modified_by=source["lastModifiedBy"],
        last_modified=datetime.fromisoformat(source["lastModified"]),
        revision=source["version"] + 1,
    )

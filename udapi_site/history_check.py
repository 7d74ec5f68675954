"""The system check of a database's migrations, which `migrate` runs first."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


@register(Tags.database)
def check_history(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Refuse a database that has only some of the migrations that a squashed one replaces.

    Django would end such a `migrate` with a traceback about lazy references.
    """
    return [
        Error(
            "This database was made by a release before 0.1.0, and its migrations are no longer part of the product.",
            hint="Upgrade to release 0.1.0 first.",
            id="udapi.E016",
        )
        for alias in databases or ()
        if _is_too_old(alias)
    ]


def _is_too_old(alias: str) -> bool:
    applied = set(MigrationRecorder(connections[alias]).applied_migrations())
    squashed = [set(map(tuple, each.replaces)) for each in MigrationLoader(None).disk_migrations.values()]
    return any(applied & replaced and not replaced <= applied for replaced in squashed)

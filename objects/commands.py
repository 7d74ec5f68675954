"""The base of the commands that work on the installation's database."""

from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from foundation import env
from objects.authorship import AuthoredModel


class DatabaseCommand(BaseCommand):
    """Refuses a database without the product's tables: most likely the operator forgot to set DATABASE_URL."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        require_tables()
        return super().execute(*args, **options)


def require_tables() -> None:
    """Raises CommandError for a database without the product's tables."""
    try:
        has_tables = _has_tables()
    except DatabaseError as error:
        raise CommandError(f"The database cannot be read: {error}") from error
    if not has_tables:
        raise CommandError(
            f"{_address()} has no tables of this product. Set DATABASE_URL and UDAPI_DATA_DIR as the installation "
            "has them, or create the tables with `manage.py migrate`."
        )


def _has_tables() -> bool:
    # To connect to SQLite would create the file.
    if connection.vendor == "sqlite" and not Path(connection.settings_dict["NAME"]).exists():
        return False
    own = {model._meta.db_table for model in apps.get_models() if issubclass(model, AuthoredModel)}
    return not own.isdisjoint(connection.introspection.table_names())


def _address() -> str:
    """Which database it is and which setting led to it, without secrets."""
    database, url_is_set = connection.settings_dict, env.text("DATABASE_URL", "")
    where = database["NAME"] if connection.vendor == "sqlite" else f"{database['NAME']} on {database['HOST']}"
    if url_is_set:
        return f"The database {where} of DATABASE_URL"
    return f"DATABASE_URL is not set, and the database {where} of UDAPI_DATA_DIR ({settings.DATA_DIR.root})"

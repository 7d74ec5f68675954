"""Breaks stored objects in ways that the product itself refuses."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from automation.models import AutomationScript


def remove_script_row(script: AutomationScript) -> None:
    """Delete a script's row although a definition uses it."""
    rows = AutomationScript._base_manager.filter(pk=script.pk)
    if connection.vendor == "sqlite":
        off, on = "PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"
    else:
        off, on = "SET session_replication_role = replica", "SET session_replication_role = DEFAULT"
    with connection.cursor() as cursor:
        cursor.execute(off)
        try:
            rows._raw_delete(rows.db)
        finally:
            cursor.execute(on)


@contextmanager
def without_scripts() -> Iterator[None]:
    """Make every query for a script fail meanwhile, in every process."""
    table = AutomationScript._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")

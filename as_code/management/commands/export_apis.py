"""`manage.py export_apis DIRECTORY`: definitions, tokens, credentials and scripts as files."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from as_code.entries import shown_path
from as_code.exporter import MAIN_FILE, ExportError, export_files, write_files
from as_code.permissions import actor_named
from objects.commands import DatabaseCommand


class Command(DatabaseCommand):
    """Writes apis.yaml, its JSON schema and the scripts; no secrets, and digests only on request."""

    help = (
        "Write all scripts, tokens, credentials and API definitions to DIRECTORY, as YAML and .py files that can live "
        "in git. No secret and no value of a credential is written."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, metavar="DIRECTORY", help="created if it does not exist")
        parser.add_argument(
            "--as", dest="user", metavar="USER", help="export as this user, who must be allowed to read all of it"
        )
        parser.add_argument(
            "--with-digests",
            action="store_true",
            help="also export the digests of the secrets, for a move under the same pepper; keep the files private",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write everything.

        Raises:
            CommandError: nothing was exported, or it cannot be written.
        """
        directory, with_digests = options["directory"], options["with_digests"]
        try:
            files = export_files(actor_named(options["user"]), with_digests=with_digests)
            write_files(directory, files, private=with_digests)
        except ExportError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database cannot be read: {error}") from error
        self.stdout.write(f"{len(files)} files written. Start with {shown_path(directory / MAIN_FILE)}.")

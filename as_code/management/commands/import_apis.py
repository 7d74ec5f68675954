"""`manage.py import_apis FILE…`: make what is stored what the files say."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from as_code.entries import MOST_FAULTS, RefusedImportError, shown_path
from as_code.files import SecretFileError, secret_file
from as_code.importer import import_files
from as_code.permissions import UnknownUserError, actor_named
from as_code.report import Report
from objects.commands import DatabaseCommand


class Command(DatabaseCommand):
    """Secrets of new tokens are never printed, only written to a file if one is named."""

    help = (
        "Import scripts, tokens and API definitions from YAML files, all or nothing. "
        "Without --as, 'system' makes the changes and may do everything."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The files, the user, and what is to be done."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files that belong together")
        parser.add_argument("--as", dest="user", metavar="USER", help="who makes the changes, with their flags")
        parser.add_argument("--dry-run", action="store_true", help="change nothing, show the difference")
        parser.add_argument(
            "--prune", action="store_true", help="delete what no file names, of the kinds that have a section"
        )
        parser.add_argument(
            "--secrets-to",
            type=Path,
            metavar="FILE",
            help="a new file, mode 600, for the secrets of new tokens; without it they stay unknown until rotated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import.

        Raises:
            CommandError: nothing was changed; it lists everything that is wrong.
        """
        try:
            report = self._import(options)
        except RefusedImportError as error:
            more = " or more" if len(error.faults) == MOST_FAULTS else ""
            raise CommandError(f"{error}\n{len(error.faults)}{more} fault(s), nothing was changed.") from error
        except (UnknownUserError, SecretFileError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"Nothing was changed, the database refused: {error}") from error
        except OSError as error:
            raise CommandError(f"Nothing was changed, the secrets cannot be written: {error.strerror}.") from error
        for line in self._lines(report, options):
            self._write(line)

    def _import(self, options: dict[str, Any]) -> Report:
        actor, dry_run = actor_named(options["user"]), options["dry_run"]
        secrets_to = None if dry_run else options["secrets_to"]
        with secret_file(secrets_to) if secrets_to else nullcontext() as keep:
            return import_files(options["files"], actor, dry_run=dry_run, prune=options["prune"], keep_secrets=keep)

    def _lines(self, report: Report, options: dict[str, Any]) -> Iterator[str]:
        if options["dry_run"]:
            yield from report.difference()
        yield from report.summary()
        count, file = len(report.secrets), options["secrets_to"]
        if options["dry_run"]:
            yield "A dry run: nothing was changed."
        elif count and file:
            yield f"The secrets of {count} new token(s) are in {shown_path(file)}; they are shown nowhere else."
        elif count:
            yield f"Nobody knows the secrets of {count} new token(s): rotate them to use them."

    def _write(self, line: str) -> None:
        """A character that the terminal does not know must not hide what was done."""
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        self.stdout.write(line.encode(encoding, "backslashreplace").decode(encoding))

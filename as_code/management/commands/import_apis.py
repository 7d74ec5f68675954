"""`manage.py import_apis FILE…`: make what is stored what the files say."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from as_code.actors import UnknownUserError, actor_named
from as_code.faults import MOST, RefusedImportError, shown_path
from as_code.importing import import_files
from as_code.report import Report
from as_code.secretfile import SecretFile, SecretFileError


class Command(BaseCommand):
    """All or nothing; a second run changes nothing. Secrets are shown nowhere, only written to a file if asked for."""

    help = (
        "Import scripts, tokens and API definitions from YAML files. Everything or nothing is changed; "
        "without --as it is done by 'system', who may do everything."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to import, for whom, and how far to go."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files that belong together")
        parser.add_argument("--as", dest="user", metavar="USER", help="who makes the changes; his flags hold")
        parser.add_argument("--dry-run", action="store_true", help="change nothing, show the difference")
        parser.add_argument(
            "--prune", action="store_true", help="delete what no file names, of the kinds they speak of"
        )
        parser.add_argument(
            "--secrets-to",
            type=Path,
            metavar="FILE",
            help="a new file, mode 600, for the secrets of new tokens; else nobody knows them until they are rotated",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, or list everything that is wrong."""
        try:
            report = self._import(options)
        except RefusedImportError as error:
            more = " or more" if len(error.faults) == MOST else ""
            raise CommandError(f"{error}\n{len(error.faults)}{more} fault(s), nothing was changed.") from error
        except (UnknownUserError, SecretFileError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"Nothing was changed, the database refused: {error}") from error
        except OSError as error:
            raise CommandError(f"Nothing was changed, the secrets cannot be written: {error.strerror}.") from error
        self._tell(report, options)

    def _import(self, options: dict[str, Any]) -> Report:
        actor = actor_named(options["user"])
        secrets_to, dry_run = options["secrets_to"], options["dry_run"]
        file = SecretFile(secrets_to) if secrets_to is not None and not dry_run else None
        try:
            report = import_files(
                options["files"],
                actor,
                dry_run=dry_run,
                prune=options["prune"],
                keep_secrets=file.keep if file is not None else None,
            )
        except BaseException:
            if file is not None:
                file.discard()
            raise
        # From here on the draft has the only copy.
        if file is not None:
            file.publish() if report.secrets else file.discard()
        return report

    def _tell(self, report: Report, options: dict[str, Any]) -> None:
        if options["dry_run"]:
            for line in report.difference():
                self._write(line)
        for line in report.summary():
            self._write(line)
        if options["dry_run"]:
            self._write("A dry run: nothing was changed.")
        elif report.secrets:
            self._tell_secrets(len(report.secrets), options["secrets_to"])

    def _tell_secrets(self, count: int, file: Path | None) -> None:
        if file is not None:
            self._write(f"The secrets of {count} new token(s) are in {shown_path(file)}, this once.")
        else:
            self._write(f"Nobody knows the secrets of {count} new token(s): rotate them to use them.")

    def _write(self, line: str) -> None:
        """Also to a terminal that does not know all characters: what is done is done, and must be told."""
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        self.stdout.write(line.encode(encoding, "backslashreplace").decode(encoding))

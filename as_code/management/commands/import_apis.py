"""`manage.py import_apis FILE…`: make what is stored what the files say."""

import gc
import json
import os
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from as_code.entries import MOST_FAULTS, RefusedImportError, shown_path
from as_code.importer import KeepSecrets, import_files
from as_code.permissions import actor_named
from as_code.report import Report
from objects.commands import DatabaseCommand


class Command(DatabaseCommand):
    """Secrets of new tokens are never printed, only written to a file if one is named."""

    help = (
        "Import scripts, tokens and API definitions from YAML files, all or nothing. "
        "Without --as, 'system' makes the changes and may do everything."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files that belong together")
        parser.add_argument("--as", dest="user", metavar="USER", help="the user who makes the changes")
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
        """
        Raises:
            CommandError: nothing was changed; it lists everything that is wrong.
        """
        # What is read lives until the end and has no cycles: searching it for garbage would take half of the time.
        gc.disable()
        try:
            report = self._import(options)
        except RefusedImportError as error:
            more = " or more" if len(error.faults) == MOST_FAULTS else ""
            raise CommandError(f"{error}\n{len(error.faults)}{more} fault(s), nothing was changed.") from error
        except DatabaseError as error:
            raise CommandError(f"Nothing was changed, the database refused: {error}") from error
        except OSError as error:
            raise CommandError(f"Nothing was changed, the secrets cannot be written: {error.strerror}.") from error
        finally:
            gc.enable()
        for line in self._lines(report, options):
            self._write(line)

    def _import(self, options: dict[str, Any]) -> Report:
        actor, dry_run = actor_named(options["user"]), options["dry_run"]
        secrets_to = None if dry_run else options["secrets_to"]
        with _secret_file(secrets_to) if secrets_to else nullcontext() as keep:
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


@contextmanager
def _secret_file(path: Path) -> Iterator[KeepSecrets]:
    """A new file of mode 600 for secrets; it is there afterwards if the block ends well and has kept any.

    The draft is opened at the beginning, so that an import without a place for its secrets does not begin.

    Raises:
        CommandError: the file exists already, or cannot be written.
    """
    draft = path.with_name(f"{path.name}.new")
    # A link that leads nowhere counts as well.
    if os.path.lexists(path):
        raise CommandError(f"{path} exists already: choose another file.")
    try:
        file = os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
    except FileExistsError as error:
        raise CommandError(
            f"{draft} is left over from an import that was killed. If the tokens of that import exist, it holds their "
            "secrets; otherwise remove it."
        ) from error
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be written: {getattr(error, 'strerror', error)}.") from error

    def keep(secrets: Mapping[str, str]) -> None:
        if secrets:
            file.write(json.dumps(dict(sorted(secrets.items())), indent=2, ensure_ascii=False) + "\n")
            file.flush()
            # After the commit nobody could generate them again.
            os.fsync(file.fileno())

    with file:
        try:
            yield keep
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        # Here the import is committed, and the draft has the only copy.
        draft.replace(path) if file.tell() else draft.unlink()

"""`manage.py import_apis FILE…`: make what is stored what the files say."""

import gc
import json
import os
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError
from django.db import DatabaseError

from as_code.awaited_builds import AwaitedBuild
from as_code.build_progress import BuildProgress, NobodyBuildsError
from as_code.entries import MOST_FAULTS, RefusedImportError, shown_path
from as_code.importer import KeepSecrets, SecretValues, import_files
from as_code.permissions import actor_named
from as_code.report import Report
from automation.credential_files import CredentialFileError, read_values
from objects.commands import DatabaseCommand

_WAIT_SECONDS: Final = 600
_NOT_READY: Final = 2
"""The exit status if everything was imported, and something cannot run yet."""


class Command(DatabaseCommand):
    """Secrets of new tokens are never printed, only written to a file if one is named."""

    help = (
        "Import scripts, tokens, credentials and API definitions from YAML files, all or nothing. "
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
            "--wait",
            type=_seconds,
            default=_WAIT_SECONDS,
            metavar="SECONDS",
            help=f"how long to wait until imported versions with packages are built; {_WAIT_SECONDS} without it",
        )
        parser.add_argument("--no-wait", action="store_true", help="do not wait for builds")
        parser.add_argument(
            "--secrets-from",
            type=Path,
            metavar="FILE",
            help="a JSON object, mode 600, with the values of credentials by name; the others keep their values",
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
            CommandError: nothing was changed, and it lists everything that is wrong; or versions are not ready.
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
        if report.awaited and not options["dry_run"] and not options["no_wait"]:
            self._wait(report.awaited, options["wait"])

    def _import(self, options: dict[str, Any]) -> Report:
        actor, dry_run = actor_named(options["user"]), options["dry_run"]
        secrets_to = None if dry_run else options["secrets_to"]
        values = _values(options["secrets_from"]) if options["secrets_from"] else None
        prune = options["prune"]
        with _secret_file(secrets_to) if secrets_to else nullcontext() as keep:
            return import_files(options["files"], actor, dry_run=dry_run, prune=prune, values=values, keep_secrets=keep)

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

    def _wait(self, awaited: Sequence[AwaitedBuild], seconds: int) -> None:
        """Tell what becomes of builds. Everything is imported by now.

        Raises:
            CommandError: with the exit status 2, a version is not ready.
        """
        titles = ", ".join(one.title for one in awaited)
        try:
            missing = BuildProgress(awaited, self._progress).wait(seconds)
        except NobodyBuildsError as error:
            message = f"Everything is imported, but not built: {titles}. {error}"
            raise CommandError(message, returncode=_NOT_READY) from error
        except DatabaseError as error:
            message = f"Everything is imported, but the database does not say whether it is built: {titles}. {error}"
            raise CommandError(message, returncode=_NOT_READY) from error
        except KeyboardInterrupt as error:
            raise CommandError(f"Everything is imported, and is being built: {titles}.", returncode=130) from error
        for one in awaited:
            if one not in missing:
                self._write(f"{one.title} is {'current' if one.becomes_current else 'ready'}.")
        if missing:
            reasons = "\n".join(f"{one.title}: {why}" for one, why in missing.items())
            raise CommandError(f"Everything is imported, but not ready:\n{reasons}", returncode=_NOT_READY)

    def _write(self, line: str) -> None:
        self.stdout.write(_printable(line, self.stdout))

    def _progress(self, line: str) -> None:
        self.stderr.write(_printable(line, self.stderr), style_func=str)
        self.stderr.flush()


def _printable(line: str, stream: Any) -> str:
    """A character that the terminal does not know must not hide what was done."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return line.encode(encoding, "backslashreplace").decode(encoding)


def _seconds(argument: str) -> int:
    if argument.isdecimal() and len(argument) <= 6:
        return int(argument)
    raise ArgumentTypeError("a number of seconds is needed, such as 600")


def _values(file: Path) -> SecretValues:
    try:
        return SecretValues(shown_path(file), read_values(file))
    except CredentialFileError as error:
        raise CommandError(f"Nothing was changed: {error}") from error


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

"""`manage.py search_index`: replaces the library's command, which would empty the index that is being searched."""

from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError

_FLAGS = ("--create", "--populate", "--delete", "--rebuild", "-f", "--parallel", "--no-parallel", "--use-alias")
_MORE_FLAGS = ("--use-alias-keep-index", "--refresh", "--no-count")


class Command(BaseCommand):
    help = "Not used here: see `manage.py mirror`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The library's, so that the command is refused and not its arguments."""
        parser.add_argument("--models", nargs="*")
        for flag in (*_FLAGS, *_MORE_FLAGS):
            parser.add_argument(flag, action="store_true")

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        raise CommandError("Use `manage.py mirror rebuild` (or status, check, repair): searches go on meanwhile.")

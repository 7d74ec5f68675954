"""`manage.py search_index`: the library's command, which would index without versions and empty what is searched."""

from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError

_FLAGS = ("--create", "--populate", "--delete", "--rebuild", "-f", "--parallel", "--no-parallel", "--use-alias")
_MORE_FLAGS = ("--use-alias-keep-index", "--refresh", "--no-count")


class Command(BaseCommand):
    """Refused, with the command that does it."""

    help = "Not used here: see `manage.py mirror`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whatever the library's takes."""
        parser.add_argument("--models", nargs="*")
        for flag in (*_FLAGS, *_MORE_FLAGS):
            parser.add_argument(flag, action="store_true")

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse."""
        raise CommandError("Use `manage.py mirror rebuild` (or status, check, repair): searches stay whole meanwhile.")

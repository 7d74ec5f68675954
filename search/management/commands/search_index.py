"""`manage.py search_index`: the library's command, which would index without versions and drop what is searched."""

from argparse import ArgumentParser
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """Refused, with the command that does it."""

    help = "Not used here: see `manage.py mirror`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whatever the library's takes."""
        parser.add_argument("anything", nargs="*")

    def run_from_argv(self, argv: list[str]) -> NoReturn:
        """Its options are not looked at."""
        super().run_from_argv(argv[:2])
        raise AssertionError

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        """Refuse."""
        raise CommandError(
            "Use `manage.py mirror rebuild` (or status, check, repair): it keeps the search whole meanwhile."
        )

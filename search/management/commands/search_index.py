"""`manage.py search_index`: replaces the library's command, which would empty the index that is being searched."""

from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError
from django_elasticsearch_dsl.management.commands import search_index


class Command(BaseCommand):
    help = "Not used here: see `manage.py mirror`."

    # The library's, so that the command itself is refused, not its arguments.
    add_arguments = search_index.Command.add_arguments

    def handle(self, *args: Any, **options: Any) -> NoReturn:
        raise CommandError("Use `manage.py mirror rebuild` (or status, check, repair): searches go on meanwhile.")

"""`manage.py create_token NAME`: a token from the command line."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from objects.authorship import SYSTEM
from objects.changes import save_checked
from objects.commands import DatabaseCommand
from tokens.models import ApiToken


class Command(DatabaseCommand):
    help = "Create an API token and print its secret to standard output. The secret is shown only once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--limit", type=int, help="requests in a window, 1 to 100")
        parser.add_argument("--window", type=int, metavar="SECONDS", help="length of the window, 1 to 86400 seconds")

    def handle(self, *args: Any, **options: Any) -> None:
        token = ApiToken(name=options["name"], rate_limit=options["limit"], rate_window_seconds=options["window"])
        try:
            secret = token.set_secret(None)
            save_checked(token, by=SYSTEM)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(secret)
        self.stderr.write(f"Token {token.name!r} ({token.pk}) was created. Allow it in an API definition to use it.")

"""`manage.py create_token NAME`: a token from the command line."""

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from objects.authorship import SYSTEM
from objects.changes import save_checked
from tokens.models import ApiToken


class Command(BaseCommand):
    """Creates a token with a generated secret and prints the secret, this once, and nothing else."""

    help = "Create an API token. Its secret is printed to standard output, once; it cannot be had again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The name, and the rate limit if there is to be one."""
        parser.add_argument("name")
        parser.add_argument("--limit", type=int, help="requests in a window, 1 to 100")
        parser.add_argument("--window", type=int, metavar="SECONDS", help="length of the window, 1 to 86400 seconds")

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the token. A refused one ends with the reason and nothing saved."""
        token = ApiToken(name=options["name"], rate_limit=options["limit"], rate_window_seconds=options["window"])
        try:
            secret = token.set_secret(None)
            save_checked(token, by=SYSTEM)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(secret)
        self.stderr.write(f"Token {token.name!r} ({token.pk}) was created. Allow it in an API definition to use it.")

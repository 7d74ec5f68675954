"""`manage.py trigger ROUTE`: the trigger message from the command line."""

import getpass
import json
import warnings
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from endpoint import arguments
from endpoint.trigger_message import TriggerMessage, trigger
from foundation import env, logs
from objects.commands import DatabaseCommand

SECRET_VARIABLE = "UDAPI_TRIGGER_SECRET"  # noqa: S105  the name of a variable


class Command(DatabaseCommand):
    """There is no argument for the secret: everybody who is logged in to the machine could read it."""

    help = (
        "Trigger an API without HTTP and print the answer as JSON; a traceback follows as text, on standard error. "
        f"The command asks for the token's secret, or takes it from a file or from {SECRET_VARIABLE}."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Options need their full names: `--secret` must not pass for `--secret-file`."""
        return super().create_parser(prog_name, subcommand, **{"allow_abbrev": False} | kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("route", type=arguments.text, help="as in the URL, after /api/custom/")
        parser.add_argument("--method", default="POST", help=arguments.METHOD_HELP)
        body = parser.add_mutually_exclusive_group()
        body.add_argument("--body", type=arguments.text, default="", metavar="TEXT")
        body.add_argument("--body-file", type=Path, metavar="FILE", help="a file in UTF-8")
        parser.add_argument(
            "--query", type=arguments.pair, action="append", default=[], metavar="NAME=VALUE", help="may be repeated"
        )
        parser.add_argument("--secret-file", type=Path, metavar="FILE", help="a file with only the secret")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the answer. An error of the trigger is printed like any answer, and then fails the command."""
        message = TriggerMessage(
            request_method=options["method"],
            route=options["route"],
            secret=_secret(options["secret_file"]),
            raw_body=arguments.content(options["body_file"]) if options["body_file"] else options["body"],
            query_parameters=_grouped(options["query"]),
            trace=arguments.place_in_trace(),
        )
        # The trigger leaves its two lines there, as every trigger does.
        logs.to_file("endpoint.log", settings.UDAPI_LOGS)
        answer = trigger(message)
        failure = "" if answer.error is None else answer.error.reason
        if answer.error is not None and "\n" in (told := answer.error.message.rstrip()):
            # A traceback in JSON would be one long line, so only its last line stays there.
            failure, answer.error.message = f"{failure}\n{told}", told.rpartition("\n")[2]
        self.stdout.write(json.dumps(answer.as_json(), indent=2))
        if failure:
            raise CommandError(failure)


def _secret(file: Path | None) -> str:
    if file is not None:
        return arguments.content(file).strip()
    if secret := env.text(SECRET_VARIABLE, ""):
        return secret
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass("Secret: ")
        except (getpass.GetPassWarning, EOFError) as error:
            raise CommandError(
                f"There is no terminal to ask for the secret: use --secret-file or {SECRET_VARIABLE}."
            ) from error


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for name, value in pairs:
        query.setdefault(name, []).append(value)
    return query

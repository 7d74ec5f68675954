"""`manage.py trigger ROUTE`: the trigger message from the command line."""

import getpass
import json
import warnings
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from endpoint.trigger_message import TriggerMessage, trigger
from endpoint.trigger_request import METHODS
from foundation import env, logs

SECRET_VARIABLE = "UDAPI_TRIGGER_SECRET"  # noqa: S105  the name of a variable


class Command(BaseCommand):
    """Sends one trigger message and prints the answer; fails when it is an error.

    There is no argument for the secret: whoever is logged in to the machine could read it.
    """

    help = (
        "Trigger an API without HTTP and print the answer as JSON. The token's secret is asked for, "
        f"or taken from a file or from {SECRET_VARIABLE}."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """The parser, which takes options by their full names: `--secret` must not pass for `--secret-file`."""
        return super().create_parser(prog_name, subcommand, **{"allow_abbrev": False} | kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What the message is made of."""
        parser.add_argument("route", help="as in the URL, behind /api/custom/")
        parser.add_argument("--method", default="POST", help=f"{', '.join(METHODS)}; POST unless given")
        body = parser.add_mutually_exclusive_group()
        body.add_argument("--body", default="", metavar="TEXT")
        body.add_argument("--body-file", type=Path, metavar="FILE", help="a file in UTF-8")
        parser.add_argument("--query", action="append", default=[], metavar="NAME=VALUE", help="may be repeated")
        parser.add_argument("--secret-file", type=Path, metavar="FILE", help="the secret is all that is in it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Send it. An error of the trigger is printed like any answer, and then fails the command."""
        message = TriggerMessage(
            request_method=options["method"],
            route=_text(options["route"]),
            secret=_secret(options["secret_file"]),
            raw_body=_text(options["body"]) if options["body_file"] is None else _read(options["body_file"]),
            query_parameters=_query(options["query"]),
        )
        # Every trigger leaves its two lines there.
        logs.to_file("endpoint.log", settings.UDAPI_LOGS)
        answer = trigger(message)
        self.stdout.write(json.dumps(answer.as_json(), indent=2))
        if answer.error is not None:
            raise CommandError(answer.error.reason)


def _secret(file: Path | None) -> str:
    if file is not None:
        return _read(file).strip()
    return env.text(SECRET_VARIABLE, "") or _ask()


def _ask() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return getpass.getpass("Secret: ")
        except (getpass.GetPassWarning, EOFError) as error:
            raise CommandError(
                f"There is no terminal to ask for the secret: use --secret-file or {SECRET_VARIABLE}."
            ) from error


def _query(pairs: Sequence[str]) -> dict[str, list[str]]:
    query: dict[str, list[str]] = {}
    for pair in pairs:
        name, separator, value = _text(pair).partition("=")
        if not separator:
            raise CommandError(f"--query {pair} is not NAME=VALUE.")
        query.setdefault(name, []).append(value)
    return query


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8.") from error


def _text(argument: str) -> str:
    try:
        argument.encode()
    except UnicodeEncodeError as error:
        raise CommandError("An argument is not UTF-8.") from error
    return argument

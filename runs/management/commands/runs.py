"""`manage.py runs …`: list runs, show one with its log, cancel it, run it again."""

import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from contextlib import suppress
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from redis import RedisError

from access.policy import RUN, TOKEN, Action, allows
from definitions.models import ApiDefinition
from endpoint import arguments
from foundation import logs
from foundation.texts import visible
from objects.authorship import SYSTEM
from objects.commands import DatabaseCommand
from objects.serializers import Moment, as_id
from runs import cancellation, run_lines, selection
from runs.bodies import bodies_of
from runs.models import KINDS, STATUSES, Run
from runs.selection import RunFilters
from runs.serializers import as_bodies, as_dict, as_subscript
from runs.user_requests import UserRequest, repeated
from runs.user_runs import run_definition

_FOLLOW_SECONDS = 0.5
_SHOWN = 20


class Command(DatabaseCommand):
    help = "Look at runs, cancel them and run them again. Without --as, the user is 'system', who may do everything."

    def add_arguments(self, parser: ArgumentParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        common = ArgumentParser(add_help=False)
        common.add_argument("--as", dest="user_name", metavar="USER", help="the user who acts")
        common.add_argument("--json", action="store_true", help="print JSON, for programs")
        listing = steps.add_parser("list", parents=[common], help="list runs, the newest first")
        _add_filters(listing)
        for name, text in (
            ("show", "show a run"),
            ("log", "print the log of a run"),
            ("cancel", "cancel a run"),
            ("again", "run the API of a run again, with what the run was sent or with another request"),
        ):
            steps.add_parser(name, parents=[common], help=text).add_argument("run", type=_id, metavar="ID")
        steps.choices["show"].add_argument("--bodies", action="store_true", help="with the kept request and response")
        steps.choices["log"].add_argument("--follow", action="store_true", help="go on until the run ends")
        _add_request(steps.choices["again"])

    def handle(self, *args: Any, step: str, **options: Any) -> None:
        """Carry out `step`.

        Raises:
            CommandError: it was refused, or failed.
        """
        try:
            getattr(self, f"_{step}")(options)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except RedisError as error:
            raise CommandError(f"Redis does not answer: {error}") from error

    def _list(self, options: dict[str, Any]) -> None:
        user = _user(options, "view")
        filters = _filters(options)
        if filters.token_name and not _sees_tokens(user):
            raise CommandError("Name the token by its id: its name is for users who may view tokens.")
        found, before = selection.page(filters, options["before"], options["limit"])
        if options["json"]:
            rows = [as_dict(run, with_token_name=_sees_tokens(user)) for run in found]
            self._print_json({"before": before and str(before), "results": rows})
            return
        for run in found:
            self._print(run_lines.as_line(run))
        if before is not None:
            self.stdout.write(f"There may be more: --before {before}")

    def _show(self, options: dict[str, Any]) -> None:
        user = _user(options, "view_bodies" if options["bodies"] else "view")
        run, sees_tokens = _found(options["run"]), _sees_tokens(user)
        children = selection.children(run)
        bodies = as_bodies(bodies_of(run, _name(user))) if options["bodies"] else {}
        if options["json"]:
            subscripts = [as_subscript(each) for each in children]
            self._print_json(as_dict(run, with_token_name=sees_tokens) | {"subscripts": subscripts} | bodies)
            return
        for line in run_lines.as_text(run, children, with_token_name=sees_tokens):
            self._print(line)
        if bodies:
            self._print_json(bodies)

    def _log(self, options: dict[str, Any]) -> None:
        _user(options, "view")
        start = 0
        # Ctrl-C ends the command, not the run.
        with suppress(KeyboardInterrupt):
            while True:
                lines, is_over = selection.log_lines(_found(options["run"]), start)
                for line in lines:
                    self._print(json.dumps(line._asdict()) if options["json"] else run_lines.log_line(line))
                self.stdout.flush()
                start += len(lines)
                if is_over or not options["follow"]:
                    return
                time.sleep(_FOLLOW_SECONDS)

    def _cancel(self, options: dict[str, Any]) -> None:
        user = _user(options, "cancel")
        try:
            cancellation.cancel(options["run"], _name(user))
        except cancellation.NoSuchRunError as error:
            raise CommandError("There is no such run.") from error
        except cancellation.RunOverError as error:
            raise CommandError("The run is over.") from error
        except cancellation.NoAnswerError as error:
            raise CommandError("The worker node does not answer, so the run may go on. Try again.") from error
        if options["json"]:
            self._print_json({"id": str(options["run"]), "cancelled": True})
        else:
            self.stdout.write("The run was cancelled.")

    def _again(self, options: dict[str, Any]) -> None:
        own = any(options[name] is not None for name in ("body", "body_file", "query", "header"))
        user = _user(options, "add" if own else "replay")
        run = _found(options["run"])
        definition = ApiDefinition.objects.select_related("script").filter(pk=run.definition_id or UUID(int=0)).first()
        if definition is None:
            raise CommandError("The API of that run does not exist.")
        sent = _sent(options, run) if own else repeated(run, _name(user))
        request = replace(
            sent,
            method=options["method"] or sent.method,
            route=options["to_route"] or "",
            script_version=options["script_version"],
        )
        logs.to_file("endpoint.log", settings.UDAPI_LOGS)
        told = run_definition(definition, request, user=_name(user), client_address="", repeats=run)
        if options["json"]:
            self._print_json({"id": told.statistics.trigger_id} | told.as_json())
        else:
            for line in run_lines.as_answer(told):
                self._print(line)
        if told.error is not None:
            raise CommandError(visible(f"{told.error.reason}\n{told.error.message}".rstrip()))

    def _print(self, line: str) -> None:
        """Print what a script or a caller may have made up."""
        self.stdout.write(visible(line))

    def _print_json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, indent=2, ensure_ascii=False))


def _add_filters(parser: ArgumentParser) -> None:
    for name, kind, text in (
        ("--definition", _id, "the id of a definition"),
        ("--route", str, "as defined or as called"),
        ("--script", str, "name or id"),
        ("--version", int, "of the script"),
        ("--token", str, "id or name"),
        ("--user", str, "who ran it"),
        ("--node", int, "its number"),
        ("--error-code", int, "as in an answer of the platform, such as 12"),
        ("--response-code", int, "of the script's response"),
        ("--parent", _id, "the run that began it, or that it repeats"),
    ):
        parser.add_argument(name, type=kind, action="append", help=f"{text}; may be repeated")
    parser.add_argument("--status", action="append", choices=STATUSES)
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument(
        "--from", dest="since", type=_moment, metavar="TIME", help="accepted then or later; in UTC unless it says"
    )
    parser.add_argument("--to", dest="until", type=_moment, metavar="TIME", help="accepted before then")
    parser.add_argument("--slower-than", type=int, metavar="MS", help="from acceptance to answer, in milliseconds")
    parser.add_argument("--limit", type=_limit, default=_SHOWN, metavar="N")
    parser.add_argument("--before", type=_id, metavar="ID", help="only runs that are older than this one")


def _filters(options: dict[str, Any]) -> RunFilters:
    given = {field.name: options[field.name] for field in fields(RunFilters) if options.get(field.name) is not None}
    tokens = given.pop("token", [])
    ids = [found for text in tokens if (found := as_id(text))]
    return RunFilters(**given, token=ids, token_name=[text for text in tokens if as_id(text) is None])


def _add_request(parser: ArgumentParser) -> None:
    body = parser.add_mutually_exclusive_group()
    body.add_argument("--body", type=arguments.text, metavar="TEXT")
    body.add_argument("--body-file", type=Path, metavar="FILE", help="a file in UTF-8")
    for name in ("--query", "--header"):
        parser.add_argument(name, type=arguments.pair, action="append", metavar="NAME=VALUE", help="may be repeated")
    parser.add_argument("--method", help="default: that of the run")
    parser.add_argument("--route", dest="to_route", type=arguments.text, help="default: as that run called it")
    parser.add_argument("--script-version", type=int, metavar="N", help="default: the one that the API runs now")


def _sent(options: dict[str, Any], run: Run) -> UserRequest:
    sent = UserRequest(run.method, options["query"] or [], options["header"] or [], options["body"] or "")
    if options["body_file"] is None:
        return sent
    content = arguments.content_bytes(options["body_file"])
    try:
        return replace(sent, raw_body=content.decode())
    except UnicodeDecodeError:
        return replace(sent, raw_body_bytes=content)


def _user(options: dict[str, Any], action: Action) -> AbstractBaseUser | None:
    """Who acts; None for the operator of the machine.

    Raises:
        CommandError: there is no such user, or they may not do that.
    """
    if (name := options["user_name"]) is None:
        return None
    # PostgreSQL refuses a query with a NUL.
    user = get_user_model()._default_manager.filter(username=name).first() if name.isprintable() else None
    if user is None:
        raise CommandError(f"There is no user {name!r}.")
    if not allows(user, RUN, action):
        raise CommandError(f"{name} may not do this.")
    return user


def _name(user: AbstractBaseUser | None) -> str:
    return SYSTEM if user is None else str(user.get_username())


def _sees_tokens(user: AbstractBaseUser | None) -> bool:
    return user is None or allows(user, TOKEN, "view")


def _found(run_id: UUID) -> Run:
    run = selection.find(run_id)
    if run is None:
        raise CommandError("There is no such run.")
    return run


def _id(text: str) -> UUID:
    found = as_id(text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not an id")
    return found


def _limit(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= selection.LARGEST_PAGE):
        raise ArgumentTypeError(f"{text!r} is not 1 to {selection.LARGEST_PAGE}")
    return int(text)


def _moment(text: str) -> datetime:
    found = Moment().parse(text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not a time such as 2026-05-04T12:00Z")
    return found

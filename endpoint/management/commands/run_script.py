"""`manage.py run_script FILE`: try a script before it is published."""

import http
import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from automation.models import DEFAULT_TIMEOUT_SECONDS, LONGEST_TIMEOUT_SECONDS
from definitions.routes import InvalidRouteError
from endpoint import errors, response
from endpoint.trigger_request import METHODS
from endpoint.tryout import NoHostsError, Tryout, UnusableScriptError, told
from fleet.answer import Answer
from foundation.limits import LARGEST_TRIGGER_BODY


class Command(BaseCommand):
    """Runs a script file in a script host as a trigger would, and shows answer, log and time."""

    help = (
        "Run a script file as a trigger would, without publishing it; it needs neither Redis nor a database. "
        "Fails when a caller would get an error of the platform."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The request that a caller would send."""
        parser.add_argument("file", type=Path, metavar="FILE", help="the script; its subscripts lie beside it")
        parser.add_argument("--method", default="POST", help=f"{', '.join(METHODS)}; POST unless given")
        parser.add_argument(
            "--route",
            type=_text,
            default="try",
            help="the route, with values for its placeholders: encoders/{id=7}/status",
        )
        parser.add_argument(
            "--query", action="append", type=_pair, default=[], metavar="NAME=VALUE", help="may be repeated"
        )
        body = parser.add_mutually_exclusive_group()
        body.add_argument("--body", type=_text, default="", metavar="TEXT")
        body.add_argument("--body-file", type=Path, metavar="FILE", help="a file in UTF-8")
        body.add_argument(
            "--param", action="append", type=_pair, default=[], metavar="NAME=VALUE",
            help="a parameter, instead of a body; may be repeated",
        )  # fmt: skip
        parser.add_argument(
            "--parameters", action="store_true", help="the input type is Parameters: the body is read as JSON"
        )
        parser.add_argument(
            "--run", action="store_true", help="call run(engine) of a script that has both entry points"
        )
        parser.add_argument("--timeout", type=_seconds, default=DEFAULT_TIMEOUT_SECONDS, metavar="SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it; an error of the platform fails the command, an answer of the script does not, whatever its code."""
        tryout = Tryout(
            file=options["file"],
            method=_method(options["method"]),
            route=options["route"],
            query=options["query"],
            body=_body(options),
            reads_parameters=options["parameters"] or bool(options["param"]),
            calls_run=options["run"],
            timeout_seconds=options["timeout"],
        )
        begun = time.monotonic()
        try:
            self._show(tryout.run(lambda line: self.stdout.write(f"| {line}")))
        except (UnusableScriptError, InvalidRouteError, NoHostsError) as error:
            raise CommandError(str(error)) from error
        except errors.TriggerError as error:
            raise CommandError(f"{told(error)}\n{_since(begun)}") from error
        except BrokenPipeError as error:
            raise CommandError("Nobody reads the output any more.") from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted.", returncode=130) from error
        self.stdout.write(f"\n{_since(begun)}")

    def _show(self, answer: Answer) -> None:
        rendered = response.from_answer(answer)
        self.stdout.write(f"HTTP {rendered.status_code} {_phrase(rendered.status_code)}".rstrip())
        for name, value in rendered.items():
            self.stdout.write(f"{name}: {value}")
        if answer.body and not rendered.streaming:
            text = answer.body.decode() if answer.is_text else f"[{len(answer.body)} bytes]"
            self.stdout.write(f"\n{text}")


def _since(begun: float) -> str:
    return f"{(time.monotonic() - begun) * 1_000:.0f} ms, the start of its process included"


def _phrase(code: int) -> str:
    try:
        return http.HTTPStatus(code).phrase
    except ValueError:
        return ""


def _method(name: str) -> str:
    if name.upper() not in METHODS:
        raise CommandError(f"--method is one of {', '.join(METHODS)}.")
    return METHODS[name.upper()]


def _body(options: dict[str, Any]) -> bytes:
    if options["body_file"] is not None:
        return _content(options["body_file"])
    if options["param"]:
        return json.dumps(dict(options["param"])).encode()
    return str(options["body"]).encode()


def _content(file: Path) -> bytes:
    try:
        if file.stat().st_size > LARGEST_TRIGGER_BODY:
            raise CommandError(f"{file} has more than {LARGEST_TRIGGER_BODY} bytes, the most that a body may have.")
        content = file.read_bytes()
        content.decode()
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not UTF-8.") from error
    return content


def _pair(argument: str) -> tuple[str, str]:
    name, separator, value = _text(argument).partition("=")
    if not separator or not name:
        raise ArgumentTypeError(f"{argument!r} is not NAME=VALUE")
    return name, value


def _seconds(argument: str) -> int:
    if argument.isdecimal() and len(argument) <= 6 and 1 <= int(argument) <= LONGEST_TIMEOUT_SECONDS:
        return int(argument)
    raise ArgumentTypeError(f"a time-out is 1 to {LONGEST_TIMEOUT_SECONDS} seconds")


def _text(argument: str) -> str:
    try:
        argument.encode()
    except UnicodeEncodeError as error:
        raise ArgumentTypeError("an argument is not UTF-8") from error
    return argument

"""`manage.py run_script FILE`: try a script before publishing it."""

import http.client
import json
import time
from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from automation.credential_files import CredentialFileError, read_values
from automation.models import DEFAULT_TIMEOUT_SECONDS, LONGEST_TIMEOUT_SECONDS
from definitions.routes import InvalidRouteError
from endpoint import arguments, errors, response
from endpoint.script_files import UnusableScriptError
from endpoint.trigger_request import METHODS
from endpoint.tryout import NoHostsError, Tryout, told
from fleet.answer import Answer
from fleet.local_packages import LocalPackages
from foundation.limits import LARGEST_TRIGGER_BODY


class Command(BaseCommand):
    help = (
        "Run a script file as a trigger would, without publishing it. Needs neither Redis nor a database. "
        "Fails when a caller would get an error of the platform."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        pair: dict[str, Any] = {"type": arguments.pair, "metavar": "NAME=VALUE", "action": "append", "default": []}
        add("file", type=Path, metavar="FILE", help="the script; its subscripts and libraries lie beside it")
        add("--method", type=str.upper, choices=METHODS, default="POST", help=arguments.METHOD_HELP)
        route = "the route, with values for its placeholders: encoders/{id=7}/status"
        add("--route", type=arguments.text, default="try", help=route)
        add("--query", help="may be repeated", **pair)
        of_headers = pair | {"type": arguments.header}
        add("--header", help="Content-Type says whether the body is text; may be repeated", **of_headers)
        body = parser.add_mutually_exclusive_group()
        body.add_argument("--body", type=arguments.text, default="", metavar="TEXT")
        body.add_argument("--body-file", type=Path, metavar="FILE", help="text in UTF-8, or bytes")
        body.add_argument("--param", help="a parameter, instead of a body; may be repeated", **pair)
        values = "a JSON object, mode 600, with the value of each credential by name; every script here may read them"
        add("--credentials", type=Path, metavar="FILE", help=values)
        add("--parameters", action="store_true", help="the input type is Parameters: the body is read as JSON")
        add("--run", action="store_true", help="call run(engine) of a script that has both entry points")
        renew = "find the packages of the scripts anew, instead of those of the last call"
        add("--upgrade-packages", action="store_true", help=renew)
        add("--timeout", type=_seconds, default=DEFAULT_TIMEOUT_SECONDS, metavar="SECONDS")

    def handle(self, *args: Any, **options: Any) -> None:
        """An error of the platform fails the command; an answer of the script does not, whatever its status code."""
        tryout = Tryout(
            file=options["file"],
            method=METHODS[options["method"]],
            route=options["route"],
            query=options["query"],
            headers=options["header"],
            body=_body(options),
            reads_parameters=options["parameters"] or bool(options["param"]),
            calls_run=options["run"],
            timeout_seconds=options["timeout"],
            credentials=_credentials(options["credentials"]),
            trace=arguments.place_in_trace(),
        )
        packages = LocalPackages.configured(self._build_line, renews=options["upgrade_packages"])
        begun = time.monotonic()
        try:
            self._show(tryout.run(packages, lambda line: self.stdout.write(f"| {line}")))
        except (UnusableScriptError, InvalidRouteError, NoHostsError) as error:
            raise CommandError(str(error)) from error
        except errors.TriggerError as error:
            raise CommandError(f"{told(error)}\n{_since(begun)}") from error
        except BrokenPipeError as error:
            raise CommandError("Nobody reads the output any more.") from error
        except KeyboardInterrupt as error:
            raise CommandError("Interrupted.", returncode=130) from error
        self.stdout.write(f"\n{_since(begun)}")

    def _build_line(self, line: str) -> None:
        self.stderr.write(line, style_func=str)
        self.stderr.flush()

    def _show(self, answer: Answer) -> None:
        rendered = response.from_answer(answer)
        self.stdout.write(f"HTTP {rendered.status_code} {http.client.responses.get(answer.code, '')}".rstrip())
        for name, value in rendered.items():
            self.stdout.write(f"{name}: {value}")
        if answer.body and not rendered.streaming:
            text = answer.body.decode() if answer.is_text else f"[{len(answer.body)} bytes]"
            self.stdout.write(f"\n{text}")


def _since(begun: float) -> str:
    return f"{(time.monotonic() - begun) * 1_000:.0f} ms, including the start of the script's process"


def _body(options: dict[str, Any]) -> bytes:
    body: str = json.dumps(dict(options["param"])) if options["param"] else options["body"]
    content = arguments.content_bytes(options["body_file"]) if options["body_file"] else body.encode()
    if len(content) > LARGEST_TRIGGER_BODY:
        raise CommandError(f"The body has more than {LARGEST_TRIGGER_BODY} bytes, the most that a body may have.")
    return content


def _credentials(file: Path | None) -> dict[str, str]:
    try:
        return read_values(file) if file else {}
    except CredentialFileError as error:
        raise CommandError(str(error)) from error


def _seconds(argument: str) -> int:
    if argument.isdecimal() and len(argument) <= 6 and 1 <= int(argument) <= LONGEST_TIMEOUT_SECONDS:
        return int(argument)
    raise ArgumentTypeError(f"a time-out is 1 to {LONGEST_TIMEOUT_SECONDS} seconds")

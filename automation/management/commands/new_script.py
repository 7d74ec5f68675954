"""`manage.py new_script NAME`: write a starter script."""

import keyword
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from automation.examples import examples

ON_API_TRIGGER_TEMPLATE: Final = '''"""What this API does, in a sentence."""

import json

from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine, StatusCode


def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    """Answer a request."""
    name = request.query_parameters.get("name", "world")
    engine.log(f"greeting {name}")
    return ApiTriggerOutput(StatusCode.OK, json.dumps({"hello": name}))
'''

RUN_TEMPLATE: Final = '''"""What this script does, in a sentence."""

from automation.sdk import Engine


def run(engine: Engine) -> None:
    """Take the script parameter `name`."""
    name = engine.script_param("name").value
    if not name:
        engine.exit_fail("There is no name.")
    engine.log(f"hello {name}")
'''


class Command(BaseCommand):
    """Never overwrites a file."""

    help = "Write a starter script to NAME.py in this directory. Nothing is published."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--directory",
            type=Path,
            default=Path(),
            help="where to write it (default: this directory); created if it does not exist",
        )
        start = parser.add_mutually_exclusive_group()
        start.add_argument("--run", action="store_true", help="write a script with run(engine) and script parameters")
        start.add_argument(
            "--example", metavar="EXAMPLE", help="copy a script of the demo or its templates, such as github_webhook"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the file.

        Raises:
            CommandError: the name is not suitable, there is no such example, or the file exists already or cannot be
                written.
        """
        name = _checked(options["name"])
        source = _example(options["example"]) if options["example"] else None
        file: Path = options["directory"] / f"{name}.py"
        try:
            file.parent.mkdir(exist_ok=True)
            with file.open("x", encoding="utf-8") as script:
                script.write(source or (RUN_TEMPLATE if options["run"] else ON_API_TRIGGER_TEMPLATE))
        except OSError as error:
            # "x" does not follow links: one that leads nowhere is refused as well.
            if os.path.lexists(file):
                raise CommandError(f"{file} exists already and was not changed.") from error
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
        if source:
            self.stdout.write(f"Created {file}. Its first lines say what it needs.")
            return
        given = "--param name=you" if options["run"] else "--query name=you"
        self.stdout.write(f"Created {file}. Try it:\n  .venv/bin/python manage.py run_script {file} {given}")


def _checked(given: str) -> str:
    name = given.removesuffix(".py")
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        raise CommandError(
            "A name has letters, digits and underscores and does not begin with a digit, so that a test can import "
            "the script. Use --directory to choose where it goes."
        )
    if name in sys.stdlib_module_names:
        raise CommandError(f"{name} is a module of Python itself: a test that imports it would not get your script.")
    return name


def _example(name: str) -> str:
    # A library would be missing beside the new file.
    found = {each.name: each.source for each in examples() if not each.libraries}
    if name not in found:
        raise CommandError(f"There is no example {name!r}. The examples are {', '.join(found)}.")
    return found[name]

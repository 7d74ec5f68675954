"""`manage.py new_script NAME`: a script to begin with."""

import keyword
import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

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
    """Writes a new script file; a file that is there already is left as it is."""

    help = "Write a script file to begin with: NAME.py in this directory. Nothing is published."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Its name, and what kind of script it is to be."""
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--directory", type=Path, default=Path(), help="this one unless given; made if it is not there"
        )
        parser.add_argument("--run", action="store_true", help="a script with run(engine) and script parameters")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it and say how to try it."""
        name = _checked(options["name"])
        file: Path = options["directory"] / f"{name}.py"
        try:
            file.parent.mkdir(exist_ok=True)
            with file.open("x", encoding="utf-8") as script:
                script.write(RUN_TEMPLATE if options["run"] else ON_API_TRIGGER_TEMPLATE)
        except OSError as error:
            if os.path.lexists(file):
                raise CommandError(f"{file} is there already and was left as it is.") from error
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
        given = "--param name=you" if options["run"] else "--query name=you"
        self.stdout.write(f"{file} is written. Try it:\n  .venv/bin/python manage.py run_script {file} {given}")


def _checked(given: str) -> str:
    name = given.removesuffix(".py")
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        raise CommandError(
            "A name has letters, digits and underscores and begins with no digit, so that a test can import the "
            "script; --directory says where it goes."
        )
    if name in sys.stdlib_module_names:
        raise CommandError(f"{name} is a module of Python's own: a test that imports it would get that one.")
    return name

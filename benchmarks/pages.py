"""A filled database, and how many queries pages cost on it.

`python -m benchmarks.pages COUNT RUNS ADDRESS…` is the process that fills the database and prints the result as JSON.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import databases
from testbed.data_dir import set_up_django
from testbed.stack import ROOT

SETTINGS = {"UDAPI_ALLOWED_HOSTS": "127.0.0.1,testserver"}


@dataclass(frozen=True)
class PreparedPages:
    """`queries` by address; the session and the personal key of a superuser."""

    session: str
    key: str
    queries: dict[str, int]
    places: dict[str, str]
    """What stands for `{definition}`, `{token}`, `{script}` and `{run}` in an address."""


def prepare(
    data_dir: Path, database: dict[str, str], count: int, addresses: Sequence[str], runs: int = 0
) -> PreparedPages:
    """Make `count` definitions and tokens and their `runs` in an empty database, and count the queries of the pages."""
    command = [sys.executable, "-m", "benchmarks.pages", str(count), str(runs), *addresses]
    environment = databases.variables(data_dir, database) | SETTINGS
    ended = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return PreparedPages(**json.loads(ended.stdout))


def _fill(count: int, run_count: int, addresses: Sequence[str]) -> PreparedPages:
    set_up_django(Path(os.environ["UDAPI_DATA_DIR"]))
    from django.contrib.auth.models import User
    from django.test import Client

    from benchmarks.fill import fill
    from keys.changes import create_key

    fill(count)
    places = _call(run_count)
    user = User.objects.create_superuser("benchmark")
    _, key = create_key(user, "benchmark", 1)
    browser = Client()
    browser.force_login(user)
    program = Client(headers={"Authorization": f"Token {key}"})
    queries = {
        each: _queries(browser if each.startswith("/console/") else program, each.format_map(places))
        for each in addresses
    }
    return PreparedPages(browser.cookies["sessionid"].value, key, queries, places)


def _call(run_count: int) -> dict[str, str]:
    """Store runs of the definitions; what stands for places in addresses: the busiest API and its newest run."""
    from benchmarks.runs import BATCH, records, store
    from definitions.models import ApiDefinition
    from runs.models import Run

    definitions = list(ApiDefinition.objects.order_by("route").values_list("pk", flat=True))
    store(records(definitions, run_count, random.Random(1)), BATCH)  # noqa: S311
    busiest = ApiDefinition.objects.get(pk=definitions[0])
    token = busiest.allowed_tokens.order_by("name").first()
    run = Run.objects.filter(definition_id=busiest.pk).order_by("-pk").first()
    found = {"definition": busiest.pk, "token": token and token.pk, "script": busiest.script_id, "run": run and run.pk}
    return {name: str(value) for name, value in found.items()}


def _queries(client: Any, address: str) -> int:
    """The queries of a second request."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(address)
    with CaptureQueriesContext(connection) as captured:
        client.get(address)
    return len(captured)


if __name__ == "__main__":
    print(json.dumps(asdict(_fill(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))))

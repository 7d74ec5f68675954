"""How long do the console's lists take with 2,500 definitions and 2,500 tokens?

`python -m benchmarks.console` runs a complete stack and prints, for each page, the median time of the server's answer,
the median time until Chromium shows something useful (its first contentful paint), and the queries, with few rows
and with all.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from testbed.chromium import launch
from testbed.data_dir import make_data_dir
from testbed.stack import ROOT, Stack

COUNT, ROUNDS, WARM_UP = 2_500, 11, 2
PAGES = {
    "definitions": "definitions/apidefinition/",
    "definitions, last page": "definitions/apidefinition/?p=50",
    "definitions, searched": "definitions/apidefinition/?q=encoder-24",
    "tokens": "tokens/apitoken/",
    "scripts": "automation/automationscript/",
    "events": "events/informationevent/",
    "overview": "",
    "trigger": "trigger/",
}
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"

_PREPARE = f"""
import django; django.setup()
import json, sys
from django.core.management import call_command
call_command("migrate", verbosity=0)
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from benchmarks.fill import fill
User.objects.create_superuser("benchmark")
client = Client()
client.force_login(User.objects.get())
def queries():
    counted = {{}}
    for name, address in {PAGES!r}.items():
        client.get("/console/" + address)
        with CaptureQueriesContext(connection) as captured:
            client.get("/console/" + address)
        counted[name] = len(captured)
    return counted
made = fill(int(sys.argv[1]))
print(json.dumps({{"queries": queries(), "session": client.cookies["sessionid"].value}}))
"""


def prepare(root: Path, count: int) -> tuple[Path, dict[str, object]]:
    """A data directory whose database has `count` definitions and tokens; the queries of each page, and a session."""
    data_dir = make_data_dir(root / f"data-{count}")
    variables = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "udapi_site.settings"}
    variables |= {"UDAPI_DATA_DIR": str(data_dir), "UDAPI_ALLOWED_HOSTS": "127.0.0.1,testserver"}
    command = [sys.executable, "-c", _PREPARE, str(count)]
    prepared = subprocess.run(command, cwd=ROOT, env=variables, check=True, stdout=subprocess.PIPE, text=True)
    return data_dir, json.loads(prepared.stdout)


def answer_milliseconds(client: httpx.Client, address: str) -> float:
    """The median time of the server's answer."""
    times = []
    for number in range(WARM_UP + ROUNDS):
        begun = time.perf_counter()
        client.get(address).raise_for_status()
        if number >= WARM_UP:
            times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1_000


def paint_milliseconds(page: Page, address: str) -> float:
    """The median time from the click to the first contentful paint."""
    times = []
    for number in range(WARM_UP + ROUNDS):
        page.goto(address)
        page.wait_for_function(f"{_PAINT} !== undefined")
        if number >= WARM_UP:
            times.append(float(page.evaluate(_PAINT)))
    return statistics.median(times)


def measure(stack: Stack, session: str, few: dict[str, int], many: dict[str, int]) -> None:
    """Print a line for each page."""
    console = f"{stack.url}/console/"
    with httpx.Client(cookies={"sessionid": session}, timeout=60) as client, sync_playwright() as playwright:
        browser = launch(playwright)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": "sessionid", "value": session, "url": stack.url}])
        page = context.new_page()
        print(f"{'page':24} {'answer':>9} {'paint':>9}  queries: with 60, with {COUNT}")
        for name, address in PAGES.items():
            answer = answer_milliseconds(client, console + address)
            paint = paint_milliseconds(page, console + address)
            print(f"{name:24} {answer:6.0f} ms {paint:6.0f} ms  {few[name]:3} {many[name]:3}", flush=True)
        browser.close()


def main() -> None:
    """Prepare two databases, measure on the larger."""
    with tempfile.TemporaryDirectory(prefix="udapi-console-") as directory:
        _, few = prepare(Path(directory), 60)
        data_dir, many = prepare(Path(directory), COUNT)
        stack = Stack(data_dir)
        try:
            measure(stack, str(many["session"]), few["queries"], many["queries"])  # type: ignore[arg-type]
        finally:
            stack.stop()


if __name__ == "__main__":
    main()

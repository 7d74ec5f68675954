"""How long do the console's pages take with 2,500 APIs, 2,500 tokens and a million runs?

`python -m benchmarks.console` runs a complete stack and prints for each page the median time of the server's answer,
the median time until Chromium shows something useful (its first contentful paint), and the number of queries with few
rows and with all.
"""

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from benchmarks import pages
from benchmarks.stopwatch import median_seconds
from testbed.chromium import launch
from testbed.data_dir import make_data_dir, set_up_django
from testbed.stack import Stack

FEW, COUNT, ROUNDS, WARM_UP = 60, 2_500, 11, 2
FEW_RUNS, RUNS = 2_000, 1_000_000
_API = "/console/definitions/apidefinition/{definition}/"
_TOKEN = "/console/tokens/apitoken/{token}/"  # noqa: S105  an address
_SCRIPT = "/console/automation/automationscript/{script}/"
PAGES = {
    "overview": "/console/",
    "APIs": "/console/definitions/apidefinition/",
    "APIs, last page": "/console/definitions/apidefinition/?p=50",
    "APIs, searched": "/console/definitions/apidefinition/?q=encoder-24",
    "API": f"{_API}view/",
    "API, access": f"{_API}access/",
    "API, runs": f"{_API}runs/",
    "API, changes": f"{_API}history/",
    "tokens": "/console/tokens/apitoken/",
    "token": f"{_TOKEN}view/",
    "token, usage": f"{_TOKEN}usage/",
    "scripts": "/console/automation/automationscript/",
    "script": f"{_SCRIPT}change/",
    "script, runs": f"{_SCRIPT}runs/",
    "runs": "/console/runs/",
    "runs, failed": "/console/runs/?status=Failed",
    "run": "/console/runs/{run}/",
    "nodes": "/console/automation/workernode/",
    "events": "/console/events/informationevent/",
    "trigger": "/console/trigger/",
    "search of everything": "/console/palette/?q=encoder-24",
}
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def paint_milliseconds(page: Page, address: str) -> float:
    """The median time from the click to the first contentful paint."""
    return statistics.median([_paint(page, address) for _ in range(WARM_UP + ROUNDS)][WARM_UP:])


def _paint(page: Page, address: str) -> float:
    page.goto(address)
    page.wait_for_function(f"{_PAINT} !== undefined")
    return float(page.evaluate(_PAINT))


def measure(stack: Stack, few: pages.PreparedPages, many: pages.PreparedPages) -> Iterator[str]:
    """A line for each page."""
    with httpx.Client(cookies={"sessionid": many.session}, timeout=60) as client, sync_playwright() as playwright:
        browser = launch(playwright)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": "sessionid", "value": many.session, "url": stack.url}])
        page = context.new_page()
        yield f"{'page':24} {'answer':>9} {'paint':>9}  queries: with {FEW}, with {COUNT}"
        for name, address in PAGES.items():
            url = stack.url + address.format_map(many.places)
            answer = median_seconds(lambda url=url: client.get(url).raise_for_status(), ROUNDS, WARM_UP)  # type: ignore[misc]
            paint, queries = paint_milliseconds(page, url), (few.queries[address], many.queries[address])
            yield f"{name:24} {answer * 1_000:6.0f} ms {paint:6.0f} ms  {queries[0]:3} {queries[1]:3}"
        browser.close()


def main() -> None:
    """Prepare two databases, and measure on the larger."""
    with tempfile.TemporaryDirectory(prefix="udapi-console-") as directory:
        small, large = (make_data_dir(Path(directory) / f"data-{count}") for count in (FEW, COUNT))
        few = pages.prepare(small, {}, FEW, list(PAGES.values()), FEW_RUNS)
        many = pages.prepare(large, {}, COUNT, list(PAGES.values()), RUNS)
        set_up_django(large)
        with Stack(large) as stack:
            for line in measure(stack, few, many):
                print(line, flush=True)


if __name__ == "__main__":
    main()

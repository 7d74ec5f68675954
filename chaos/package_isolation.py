"""Two scripts with different versions of one package, beside each other in warm processes: neither sees the other's."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from automation.models import AutomationScript
from chaos.callers import CallerLoad
from chaos.rows import ReportRow
from chaos.trial import Trial
from testbed.stack import wait_until
from testbed.wheels import Wheelhouse

_CALLERS = 4
_VERSIONS = ("1.0", "2.0")
_BUILD_SECONDS = 60.0

# A module of the package is imported late.
_SOURCE = """
# /// script
# dependencies = ["twin=={version}"]
# ///
import os
import sys
from importlib import metadata

import twin
from automation.sdk import ApiTriggerOutput

def on_api_trigger(engine, request):
    import twin.late
    twin.runs.append(1)
    seen = twin.version, twin.late.version, metadata.version("twin"), *twin.others
    path = [each for each in sys.path if os.path.isdir(os.path.join(each, "twin"))]
    return ApiTriggerOutput(response_body=f"{{' '.join(seen)}} {{len(path)}} {{os.getpid()}} {{len(twin.runs)}}")
"""


_PACKAGE = """
import os

version, runs = {version!r}, []
# The modules that only one of the versions has.
others = [name[5] for name in sorted(os.listdir(os.path.dirname(__file__))) if name.startswith("only_")]
"""


def isolation(trial: Trial, wheels: Wheelhouse, *, runs: int) -> list[ReportRow]:
    """`runs` in all, half of them with each version, through the endpoint at the same time."""
    for version in _VERSIONS:
        late = f"version = {version!r}\n"
        own = {"twin/__init__.py": _PACKAGE.format(version=version), "twin/late.py": late}
        wheels.add("twin", own | {f"twin/only_{version[0]}.py": ""}, version=version)
    loads = {version: _published(trial, version, runs // len(_VERSIONS)) for version in _VERSIONS}
    with ThreadPoolExecutor(len(loads)) as both:
        for running in [both.submit(load.run, _CALLERS) for load in loads.values()]:
            running.result()
    return [_row(version, load) for version, load in loads.items()]


def _published(trial: Trial, version: str, calls: int) -> CallerLoad:
    api = trial.publish(_SOURCE.format(version=version))
    ready = AutomationScript.objects.filter(api_definitions=api.definition, current_version=1)
    wait_until(ready.exists, _BUILD_SECONDS, f"version {version} of a package")
    return CallerLoad(trial.stack.url, api, calls)


def _row(version: str, load: CallerLoad) -> ReportRow:
    expected = f"{version} {version} {version} {version[0]} 1 "
    right = [answer.text for answer in load.answers if answer.text.startswith(expected)]
    processes = Counter(text.removeprefix(expected).split()[0] for text in right)
    wrong = next((answer.text for answer in load.answers if not answer.text.startswith(expected)), "")[:80]
    note = f"{len(processes)} warm processes" + (f", first wrong answer: {wrong!r}" if wrong else "")
    worst = max((answer.seconds for answer in load.answers), default=0.0)
    return ReportRow(f"runs beside another version: {version}", len(load.answers), len(right), worst, note)

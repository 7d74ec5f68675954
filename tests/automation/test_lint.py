"""What the linter says of sources that compile, and that it stays within its limits."""

import signal
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from django.conf import settings

from automation import compiler, inspection
from automation.requirements import combined, names
from automation.source import LARGEST_SOURCE, compile_error, contents
from tests.docs.page_run import is_script
from tests.docs.pages import PAGES, blocks

RUN = "def run(engine): pass\n"
WAIT_SECONDS = 300


def lint(
    source: str, packages: list[str] | None = None, modules: list[str] | None = None
) -> list[tuple[int, str, str]]:
    """The problems of `source`, which may be indented."""
    found = compiler.lint(textwrap.dedent(source), packages, modules)
    assert found is not None
    return found


def test_undefined_names_are_found_with_their_lines():
    assert lint(
        """
        __all__ = ["gone"]
        total = 0
        def run(engine):
            x = jsn.dumps([y for y in range(3)])
            print(total)
            total = 1
        """
    ) == [
        (2, "UndefinedExport", "gone"),
        (5, "UndefinedName", "jsn"),
        (6, "UnassignedLocal", "total"),
    ]


def test_imports_that_nothing_offers_are_found():
    source = """
    import os, celery, yaml, numpi
    from automation.sdk import Engine
    from automation.models import AutomationScript
    from automation import sdk, versions
    import console.base, fleet
    from . import sibling
    from scripts.tools import helped
    def run(engine):
        import also_missing.part
    """
    assert lint(source) == [
        (2, "UnknownModule", "numpi"),
        (4, "InternalModule", "automation.models"),
        (5, "InternalModule", "automation.versions"),
        (6, "UnknownModule", "console.base"),
        (6, "UnknownModule", "fleet"),
        (7, "RelativeImport", ""),
        (10, "UnknownModule", "also_missing.part"),
    ]


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import maybe\nexcept ImportError:\n    maybe = None\n",
        "try:\n    import maybe\nexcept (KeyError, ModuleNotFoundError):\n    maybe = None\n",
        "try:\n    import maybe\nexcept:\n    pass\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import maybe\n",
        "import typing\nif typing.TYPE_CHECKING:\n    import maybe\n",
        "from os.path import *\nprint(join('a', 'b'))\n",
        "import sys\nif sys.version_info > (3, 99):\n    pass\nprint(__name__, __file__)\n",
    ],
)
def test_guarded_imports_and_known_names_are_no_problem(source):
    assert lint(source + RUN) == []


def test_an_import_beside_a_guarded_one_is_checked():
    source = "try:\n    import maybe\nexcept ValueError:\n    import other\nelse:\n    import third\n"
    assert [name for _line, _kind, name in lint(source + RUN)] == ["maybe", "other", "third"]


def unknown(source: str, packages: list[str], modules: list[str] | None = None) -> list[str]:
    return [name for _line, kind, name in lint(f"{source}\n{RUN}", packages, modules) if kind == "UnknownModule"]


def test_with_packages_only_their_modules_are_offered():
    source = """import os, automation.sdk, scripts.tools
import httpx, httpx._client, _speedups, celery, lxml.html
from yaml import safe_load
"""
    assert unknown(source, ["httpx"], ["httpx", "httpx.unrelated"]) == ["celery", "lxml.html", "yaml"]
    assert unknown(source, ["httpx", "lxml", "pyyaml"], ["httpx", "lxml", "yaml", "celery"]) == []
    assert unknown(source, [], []) == ["celery", "httpx", "httpx._client", "lxml.html", "yaml"]
    assert ("InternalModule", "automation.models") in [each[1:] for each in lint("import automation.models", [], [])]


def test_modules_of_packages_that_are_not_installed_yet_are_guessed_by_their_names():
    assert unknown("import httpx, numpi", ["httpx"]) == ["numpi"]
    assert unknown("import google.cloud.storage, google.auth, numpi", ["google-cloud-storage"]) == ["numpi"]
    assert unknown("import ruamel.yaml, Zope_Interface", ["ruamel-yaml", "zope-interface"]) == []
    assert unknown("import numpi", ["pyyaml"]) == []
    assert unknown("import httpx, numpi", ["httpx", "pyyaml"]) == []
    assert unknown("import yaml, httpxyz", ["httpx"]) == []


@pytest.mark.parametrize(
    "parameters",
    ["engine", "e, other=1", "*all", "e, /", "e, *, flag=True", "e, **rest", "e, /, other=1", "e=None"],
)
def test_entry_points_that_can_be_called_are_no_problem(parameters):
    assert lint(f"def run({parameters}): pass") == []


@pytest.mark.parametrize("parameters", ["", "e, other", "e, *, flag", "*, e", "**rest", "e, other, /"])
def test_entry_points_that_cannot_be_called_are_found(parameters):
    assert lint(f"def run({parameters}): pass") == [(1, "WrongArguments", "run")]


def test_the_last_of_several_bindings_counts():
    assert lint("def on_api_trigger(engine): pass") == [(1, "WrongArguments", "on_api_trigger")]
    assert lint("def run(): pass\ndef run(engine): pass") == []
    assert lint("def run(): pass\nrun = print") == []
    assert lint("if print:\n    def run(engine): pass\nelse:\n    def run(): pass") == [(4, "WrongArguments", "run")]
    assert lint("import functools\n@functools.cache\ndef run(): pass") == []
    assert lint("class Part:\n    def run(self, a, b): pass\n" + RUN) == []


def test_async_entry_points_are_checked_like_others():
    assert lint("async def run(engine): pass\nasync def on_api_trigger(engine, request): pass") == []
    assert lint("async def run(): pass\nasync def other(): pass") == [(1, "WrongArguments", "run")]
    assert lint("async def on_api_trigger(engine):\n    await gone()") == [
        (1, "WrongArguments", "on_api_trigger"),
        (2, "UndefinedName", "gone"),
    ]
    assert lint("def run(): pass\nasync def run(engine): pass") == []


def test_the_sdk_raises_no_alarm():
    source = """from automation.sdk import ApiError, ApiTriggerInput, ApiTriggerOutput, CredentialNotAllowed, Engine

async def on_api_trigger(engine: Engine, request: ApiTriggerInput) -> ApiTriggerOutput:
    try:
        engine.information(engine.credential("smtp"))
    except CredentialNotAllowed as error:
        raise ApiError(409, "Not now", str(error)) from error
    return ApiTriggerOutput.json(request.json())
"""
    assert lint(source) == []
    assert lint("import automation.sdk.requests, automation.sdk as sdk\n" + RUN) == []


def asked(source: str) -> frozenset[str] | None:
    """The packages that a source asks for."""
    block = contents(source).block
    return None if block is None else names(combined([block]))


def test_demo_templates_and_docs_raise_no_alarm():
    files = [file for file in (settings.BASE_DIR / "demo").rglob("*.py") if not file.name.startswith("test_")]
    sources = {file.name: file.read_text() for file in files}
    sources |= {
        f"{page}:{number}": block.text
        for page in PAGES
        for number, block in enumerate(blocks(page))
        if is_script(block)
    }
    assert len(sources) > len(files) > 5
    assert {
        name: found for name, source in sources.items() if (found := compiler.lint(source, asked(source))) != []
    } == {}


def test_a_large_source_is_linted_within_the_limits():
    function = "def f{}(a, b=1):\n    x = a + b\n    return [x for _ in range(3)]\n"
    source = RUN + "".join(map(function.format, range(3_900)))
    assert LARGEST_SOURCE * 0.9 < len(source) < LARGEST_SOURCE
    assert compiler.lint(source) == []
    assert len(compiler.lint(RUN + "gone\n" * 5_000) or ()) == 100


def test_a_sum_of_a_thousand_terms_is_linted():
    assert compiler.lint(RUN + "x = 1" + " + 1" * 1_000 + " + gone") == [(2, "UndefinedName", "gone")]


@pytest.mark.parametrize("source", ["def run(:", "\0", "x = 1" + " + x" * 100_000])
def test_what_cannot_be_read_is_not_called_free_of_problems(source):
    assert compiler.lint(source) is None


def test_a_linter_that_dies_is_no_answer_and_knows_no_secret(monkeypatch):
    monkeypatch.setenv("UDAPI_SECRET_KEY", "a secret of the environment")
    # The linter reads it for some seconds.
    source = RUN + "x = 1\n" * 40_000
    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(compiler.lint, source)
        deadline = time.monotonic() + WAIT_SECONDS
        while not (children := [one for one in psutil.Process().children() if "lint_process" in str(one.cmdline())]):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        assert children[0].environ() == {}
        assert children[0].cwd() == "/"
        while children[0].rlimit(psutil.RLIMIT_DATA)[0] != inspection.MEMORY_BYTES:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        children[0].send_signal(signal.SIGKILL)
        assert answer.result(WAIT_SECONDS) is None


def test_one_source_is_linted_at_a_time_and_saves_do_not_wait_for_it(monkeypatch):
    monkeypatch.setattr(compiler, "LINT_SECONDS", 0.01)
    monkeypatch.setattr(compiler, "SECONDS", WAIT_SECONDS)
    with compiler._lint_slot:
        assert compiler.lint(RUN) is None
        assert compile_error(f"{RUN}# while a source is linted\n") is None
    assert compiler.lint(RUN) == []

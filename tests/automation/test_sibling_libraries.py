"""Tests of scripts find libraries as files beside them, with nothing but `import automation.sdk`."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from automation.sdk.sibling_libraries import LIBRARY_PACKAGE
from testbed.stack import ROOT
from tests.test_architecture import _name, _sources, _tree

FILES = {
    "greet.py": """
        from automation.sdk import ApiTriggerInput, ApiTriggerOutput, Engine
        from scripts.words import Greeting

        def on_api_trigger(engine, request):
            return ApiTriggerOutput(response_body=str(Greeting(request.raw_body)))
    """,
    "words.py": """
        import dataclasses
        from scripts.marks import *

        @dataclasses.dataclass
        class Greeting:
            to: str

            def __str__(self):
                return f"Hello {self.to}{mark}"
    """,
    "marks.py": "mark = '!'\n",
    "test_greet.py": """
        import importlib, pickle, unittest
        import greet
        from automation.sdk import ApiTriggerInput, Engine
        from scripts.words import Greeting
        import scripts

        class Greets(unittest.TestCase):
            def test_it_greets_with_its_libraries(self):
                answer = greet.on_api_trigger(Engine(), ApiTriggerInput(raw_body="Jane"))
                self.assertEqual(answer.response_body, "Hello Jane!")
                self.assertEqual(pickle.loads(pickle.dumps(Greeting("a"))), Greeting("a"))
                self.assertTrue(scripts.words.__file__.endswith("/words.py"))
                self.assertIs(importlib.reload(scripts.marks), scripts.marks)

            def test_nothing_else_is_a_library(self):
                for name in ("gone", "calendar", "pytest", "words.below"):
                    with self.assertRaises(ModuleNotFoundError) as caught:
                        importlib.import_module("scripts." + name)
                    self.assertEqual(caught.exception.name, "scripts." + name)
    """,
}


@pytest.fixture
def folder(tmp_path) -> Path:
    """A script with a test and two libraries in a directory of its own."""
    where = Path(tmp_path, "apis")
    write(where, FILES)
    return where


def write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        indent = " " * 8 if text.startswith("\n") else ""
        (folder / name).write_text(text.replace(f"\n{indent}", "\n"))


def python(where: Path, *arguments: str) -> str:
    """What Python prints in the directory `where`."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=where, env=environment, capture_output=True, text=True, timeout=120
    )
    return ended.stdout + ended.stderr


def test_pytest_finds_them_from_anywhere_and_unittest_beside_them(folder):
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "2 passed" in python(folder.parent, *command, "apis")
    assert "2 passed" in python(Path("/"), *command, str(folder))
    assert "Ran 2 tests" in (told := python(folder, "-m", "unittest"))
    assert told.endswith("OK\n"), told
    told = python(folder, "-c", "import automation.sdk\nimport scripts.gone")
    assert "There is no library gone: no directory on sys.path has a file gone.py." in told
    # The directory is called like the package: Python's own finder sees the libraries in it.
    assert "2 passed" in python(folder.parent, *command, str(folder.rename(folder.with_name("scripts"))))


def test_package_of_that_name_comes_first(folder):
    package = folder / "scripts"
    write(package, {"__init__.py": "mine = 1", "words.py": "mine = 2"})
    program = """
import automation.sdk
import scripts, scripts.words, scripts.marks
print(scripts.mine, scripts.words.mine, scripts.marks.mark)
import scripts.gone
"""
    assert python(folder, "-c", program).startswith("1 2 !\n")
    assert "No module named 'scripts.gone'" in python(folder, "-c", program)
    assert "No module named 'scripts.marks'" in python(folder, "-c", program.replace("import automation.sdk", ""))


IN_SCRIPT_HOSTS = {f"hosts.{name}" for name in ("host_process", "script", "script_modules", "worker_link", "zygote")}


def test_only_script_hosts_import_libraries():
    """The SDK lets a process find `scripts.NAME` in files. Script hosts undo it; others import no such name."""
    sources = {_name(file).removesuffix(".py").replace("/", "."): imports(file) for file in _sources()}
    assert "automation.sdk" in sources["hosts.script"], "the test finds none"
    for module, found in sources.items():
        assert LIBRARY_PACKAGE not in {name.partition(".")[0] for name in found}, module
    assert {module for module, found in sources.items() if found & IN_SCRIPT_HOSTS} <= IN_SCRIPT_HOSTS


def imports(file: Path) -> set[str]:
    """The modules that a file imports, and whatever else it imports from packages, as `package.name`."""
    nodes = list(ast.walk(_tree(file)))
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            modules |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return modules

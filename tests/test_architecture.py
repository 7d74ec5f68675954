"""The house keeps its shape: who imports whom, which names no file has, who may catch everything."""

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.models import signals
from django.dispatch import Signal

from testbed.stack import ROOT

# They stand beside the layers: what starts the product, and what is no part of it.
BESIDE = {"launcher", "udapi_site", "tests", "benchmarks", "chaos"}
NOT_IMPORTED = {"launcher", "tests", "benchmarks", "chaos"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}

# Whatever a script or a run raises is an answer there; a step of the launcher tells its end and raises again.
MAY_CATCH_EVERYTHING = {
    "fleet/runner.py",
    "hosts/script.py",
    "hosts/host_process.py",
    "endpoint/trigger_message.py",
}
EVERYTHING = {"Exception", "BaseException"}


def _packages() -> set[str]:
    return {file.parent.name for file in ROOT.glob("*/__init__.py") if not file.parent.name.startswith(".")}


def _sources(*leave_out: str) -> list[Path]:
    """The product's own modules."""
    packages = sorted(_packages() - {"tests"} - set(leave_out))
    return [file for package in packages for file in (ROOT / package).rglob("*.py")] + [ROOT / "manage.py"]


def _name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), str(file))


@pytest.fixture(scope="module")
def contract():
    """import-linter's."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]


def _lint_imports(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(cwd), "NO_COLOR": "1"}
    return subprocess.run([program, "--no-cache", *arguments], cwd=cwd, env=environment, capture_output=True, text=True)


def test_imports_point_down_only():
    ended = _lint_imports()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 broken" in ended.stdout


@pytest.mark.parametrize(
    ("importer", "imported"),
    [("access", "tokens"), ("tokens", "automation"), ("automation", "tokens"), ("broker", "access")],
)
def test_an_import_that_points_up_or_sideways_would_be_noticed(tmp_path, contract, importer, imported):
    for package in contract["root_packages"]:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(f"import {imported}\n" if package == importer else "")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    ended = _lint_imports(cwd=tmp_path)
    assert ended.returncode == 1
    assert f"{importer} is not allowed to import {imported}" in ended.stdout


def test_every_package_has_its_place(contract):
    layers = {name.strip() for layer in contract["contracts"][0]["layers"] for name in layer.split("|")}
    assert set(contract["root_packages"]) == layers == _packages() - BESIDE


def test_the_layers_are_the_ones_of_the_design(contract):
    order = [{name.strip() for name in layer.split("|")} for layer in contract["contracts"][0]["layers"]]
    level = {name: number for number, layer in enumerate(order) for name in layer}
    for upper, lower in [
        ("console", "endpoint"),
        ("endpoint", "definitions"),
        ("definitions", "tokens"),
        ("definitions", "fleet"),
        ("fleet", "automation"),
        ("tokens", "access"),
        ("automation", "access"),
    ]:
        assert level[upper] < level[lower], f"{upper} stands above {lower}"


def test_nothing_imports_what_is_no_part_of_the_product():
    for file in _sources("launcher", "benchmarks", "chaos"):
        imported = {name.partition(".")[0] for name in _imported(_tree(file))}
        assert not imported & NOT_IMPORTED, _name(file)


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield node.module or ""


def test_imports_stand_at_the_top():
    """An import inside a function hides a cycle."""
    for file in _sources("benchmarks", "chaos"):
        functions = [node for node in ast.walk(_tree(file)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        hidden = [node for function in functions for node in ast.walk(function) if isinstance(node, _IMPORTS)]
        assert not hidden, f"{_name(file)}:{hidden[0].lineno}"


_IMPORTS = (ast.Import, ast.ImportFrom)


def test_no_file_is_a_drawer_for_everything():
    found = [_name(file) for file in _sources() if FORBIDDEN_NAMES & {file.stem, *file.relative_to(ROOT).parts}]
    assert not found


def _caught(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return EVERYTHING
    return {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)}


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def _catches_everything(file: Path) -> bool:
    handlers = [node for node in ast.walk(_tree(file)) if isinstance(node, ast.ExceptHandler)]
    return any(_caught(handler) & EVERYTHING and not _raises_again(handler) for handler in handlers)


def test_only_who_runs_scripts_catches_everything():
    catching = {_name(file) for file in _sources() if _catches_everything(file)}
    assert catching <= MAY_CATCH_EVERYTHING
    assert "hosts/script.py" in catching, "the test sees none any more"


def test_every_receiver_has_a_sender():
    """One without is called for every model there is, sessions and log entries too."""
    found = [(file, call) for file in _sources() for call in _connections(_tree(file))]
    assert found, "the test sees none any more"
    for file, call in found:
        assert "sender" in {keyword.arg for keyword in call.keywords}, f"{_name(file)}:{call.lineno}"


def _connections(tree: ast.Module) -> Iterator[ast.Call]:
    """`@receiver(…)`, and `post_save.connect(…)` and the like."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name("receiver") | ast.Attribute(attr="receiver")):
                yield node
            case ast.Call(func=ast.Attribute(ast.Name(signal) | ast.Attribute(attr=signal), "connect")):
                if isinstance(getattr(signals, signal, None), Signal):
                    yield node

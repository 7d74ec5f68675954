"""The architecture: which package imports which, how files and classes are named, what may catch every exception."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from django.db.models import signals
from django.dispatch import Signal

from testbed.stack import ROOT

NO_PART_OF_THE_PRODUCT = {"tests", "testbed", "benchmarks", "chaos"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}

# Django, django-elasticsearch-dsl and Celery look for classes of these names.
NAMED_BY_LIBRARIES = {"Command", "Migration"}

# There, whatever a script raises becomes an answer.
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
    """The modules of the product, of `benchmarks` and of `chaos`."""
    packages = sorted(_packages() - {"tests", "testbed"} - set(leave_out))
    return [file for package in packages for file in (ROOT / package).rglob("*.py")] + [ROOT / "manage.py"]


def _name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(), str(file))


@pytest.fixture(scope="module")
def contract():
    """The configuration of import-linter."""
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
    [
        ("access", "tokens"),
        ("tokens", "automation"),
        ("foundation", "broker"),
        ("launcher", "tests"),
        ("web", "udapi_site"),
    ],
)
def test_import_that_points_up_or_sideways_is_noticed(tmp_path, contract, importer, imported):
    for package in contract["root_packages"]:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(f"import {imported}\n" if package == importer else "")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    ended = _lint_imports(cwd=tmp_path)
    assert ended.returncode == 1
    assert f"{importer} is not allowed to import {imported}" in ended.stdout


@pytest.fixture(scope="module")
def level(contract):
    """The number of each package's layer; 0 is the top."""
    layers = [[name.strip() for name in layer.split("|")] for layer in contract["contracts"][0]["layers"]]
    return {name: number for number, layer in enumerate(layers) for name in layer}


def test_every_package_has_a_layer_and_none_is_exempt(contract, level):
    assert set(contract["root_packages"]) == set(level) == _packages()
    assert not contract["contracts"][0].keys() & {"ignore_imports", "exhaustive_ignores", "containers"}


def test_layers_are_those_of_the_design(level):
    order = ["launcher", "udapi_site", "console", "endpoint", "definitions", "fleet", "hosts", "tokens", "access"]
    order += ["objects", "web", "broker", "foundation"]
    assert order == sorted(order, key=lambda name: level[name])
    assert len({level[name] for name in order}) == len(order)


def test_only_the_launcher_imports_the_site():
    for file in _sources("launcher", "udapi_site", "benchmarks", "chaos"):
        imported = {name for name in _imported(_tree(file)) if name.partition(".")[0] == "udapi_site"}
        assert not imported, _name(file)


def test_sql_names_tables_of_lower_packages_only(level):
    tables = {model._meta.db_table: model.__module__.partition(".")[0] for model in apps.get_models()}
    ours = {table: owner for table, owner in tables.items() if owner in level}
    found = {(_name(file), ours[table]) for file in _sources() for table in _named_tables(file, ours)}
    assert ("definitions/lookups.py", "tokens") in found, "the test finds none"
    for name, owner in found:
        package = name.partition("/")[0]
        assert package == owner or level[package] < level[owner], f"{name} names a table of {owner}"


def _named_tables(file: Path, tables: Iterable[str]) -> set[str]:
    if "migrations" in file.parts:
        return set()
    texts = (node.value for node in ast.walk(_tree(file)) if isinstance(node, ast.Constant))
    words = {word for text in texts if isinstance(text, str) for word in re.findall(r"\w+", text)}
    return words & set(tables)


def test_migrations_depend_on_lower_packages_only(level):
    disk = MigrationLoader(None).disk_migrations
    ours = [(app, migration) for (app, _), migration in disk.items() if app in level]
    assert ours, "the test finds none"
    for app, migration in ours:
        for other, _ in [*migration.dependencies, *migration.run_before]:
            assert other not in level or other == app or level[app] < level[other], f"{app} depends on {other}"


def test_product_imports_no_tests_benchmarks_or_chaos():
    for file in _sources("benchmarks", "chaos"):
        imported = {name.partition(".")[0] for name in _imported(_tree(file))}
        assert not imported & NO_PART_OF_THE_PRODUCT, _name(file)


def _all_modules() -> list[Path]:
    return [*_sources(), *(ROOT / "testbed").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]


def test_no_class_name_stands_for_two_things():
    places = defaultdict(list)
    for file in _all_modules():
        for node in _tree(file).body:
            if isinstance(node, ast.ClassDef) and node.name not in NAMED_BY_LIBRARIES:
                places[node.name].append(_name(file))
    assert not {name: found for name, found in places.items() if len(found) > 1}


def test_modules_are_named_by_nouns():
    """A gerund (`noting`, `mending`) names an activity, not what the module holds. Test files may have one."""
    modules = [file for file in _all_modules() if not file.stem.startswith("test_")]
    assert not [_name(file) for file in modules if re.search(r"(?<!str)ing$", file.stem)]


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


def test_no_file_is_named_utils_or_helpers():
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


def test_only_modules_that_run_scripts_catch_every_exception():
    catching = {_name(file) for file in _sources() if _catches_everything(file)}
    assert catching <= MAY_CATCH_EVERYTHING
    assert "hosts/script.py" in catching, "the test finds none"


def test_every_receiver_has_a_sender():
    """A receiver without one is called for every model, even for sessions and log entries."""
    found = [(file, call) for file in _sources() for call in _connections(_tree(file))]
    assert found, "the test finds none"
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

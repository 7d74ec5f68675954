"""docs/reference/settings.md has a row for every variable that the product reads, and no other.

Each can also be given as `…_FILE`; a row may name it like that.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from testbed.stack import ROOT

VARIABLE = re.compile(r"(UDAPI_[A-Z_]+|DATABASE_URL|REDIS_[A-Z_]+|ELASTICSEARCH_[A-Z_]+|OTEL_[A-Z_]+)")
ROW = re.compile(r"^\| (`[^|]*`) \|", re.MULTILINE)
NO_PART_OF_THE_PRODUCT = {"tests", "benchmarks", "chaos", "demo", ".venv", "var"}


def texts(file: Path) -> Iterator[str]:
    """The string constants in a module that are the name of a variable."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VARIABLE.fullmatch(node.value):
            yield node.value.removesuffix("_FILE")


def read_by_the_code() -> set[str]:
    files = [file for file in ROOT.rglob("*.py") if file.relative_to(ROOT).parts[0] not in NO_PART_OF_THE_PRODUCT]
    return {text for file in files for text in texts(file)}


def documented() -> set[str]:
    rows = ROW.findall((ROOT / "docs" / "reference" / "settings.md").read_text())
    return {name.removesuffix("_FILE") for row in rows for name in VARIABLE.findall(row)}


def test_the_documented_variables_are_those_that_the_code_reads():
    assert documented() == read_by_the_code()


def test_each_variable_is_documented_once():
    rows = ROW.findall((ROOT / "docs" / "reference" / "settings.md").read_text())
    names = [name for row in rows for name in VARIABLE.findall(row)]
    assert len(names) == len(set(names))


def test_every_reader_of_the_environment_gets_a_constant_name():
    """`env.text(NAME, …)` with a computed name would escape the comparison."""
    module = ast.parse((ROOT / "udapi_site" / "settings.py").read_text())
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name("env")), args=[ast.Constant(value=str()), *_]):
                continue
            case ast.Call(func=ast.Attribute(value=ast.Name("env"), attr=reader)):
                assert reader in {"peppers", "database"}, ast.unparse(node)

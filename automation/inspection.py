"""A program that compiles sources without running them, and tells what is in them.

It imports nothing of the product, so that it starts quickly and knows no secret. It reads a JSON list of sources from
standard input and answers each with a line of JSON. A source that exceeds its limits kills this process only.
"""

import ast
import json
import math
import os
import re
import resource
import symtable
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from typing import Any, Final

CPU_SECONDS: Final = 5
"""The processor time for one source; an ordinary one of the largest size needs less than a second."""

MEMORY_BYTES: Final = 512 * 1024 * 1024
UNHURRIED: Final = 16 * 1024
"""A source with more characters may take long, so it is compiled at a lower priority than requests are answered."""

NICENESS: Final = 10
LONGEST_DOCSTRING: Final = 4_000
MOST_PARAMETERS: Final = 1_000
MOST_NAMES: Final = 5_000

LIBRARY_PACKAGE: Final = "scripts"
"""Scripts import the library NAME as `scripts.NAME`."""

ON_API_TRIGGER: Final = "on_api_trigger"
RUN: Final = "run"

BLOCK: Final = "script"
"""The type of the block of PEP 723 that says what a script needs; blocks of other types are for other tools."""

MOST_DEPENDENCIES: Final = 100
LARGEST_BLOCK: Final = 8 * 1024
"""In bytes of UTF-8."""

FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
"""An entry point may be either."""

# What the compiler raises on text that is not a program: NUL bytes, unlimited nesting and the like.
REFUSALS = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


_BLOCKS = ("body", "orelse", "finalbody")
_IMPORT_RULE = "A library is imported with `from scripts.NAME import ...` or `import scripts.NAME`."
_BLOCK_START = re.compile("# /// ([a-zA-Z0-9-]+)")
_BLOCK_END = "# ///"
_BLOCK_KEYS = ("requires-python", "dependencies")
_TOML_PLACE = re.compile(r" \((?:at line (\d+), column \d+|at end of document)\)$")
_TOML_TEXTS = re.compile(r"""\"{3}(?:\\.|[^\\])*?\"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*'|\#[^\n]*""", re.DOTALL)
# With one of these, a module may have names that no reader can find.
_DYNAMIC = {"globals", "locals", "vars", "exec", "eval", "setattr", "__dict__", "__getattr__"}


def inspect(source: str) -> dict[str, Any]:
    """The contents of `source`, or `line` and `message` of the error if it does not compile."""
    try:
        # Some errors, such as a `return` outside a function, are found by the compiler and not by the parser.
        compile(source, "<script>", "exec", dont_inherit=True)
        return _contents(ast.parse(source), source)
    except REFUSALS as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        return {"line": line, "message": message or type(error).__name__}


def _contents(tree: ast.Module, source: str) -> dict[str, Any]:
    bound = set(_bound_names(tree.body))
    return {
        "entry_points": [name for name in (ON_API_TRIGGER, RUN) if name in bound],
        "docstring": _docstring(tree)[:LONGEST_DOCSTRING],
        "parameters": _parameters(tree)[:MOST_PARAMETERS],
        "libraries": sorted(_libraries(tree)),
        "names": _names(tree, source),
        "block": _block(source),
    }


def _block(source: str) -> dict[str, Any] | None:
    """What the block says: its line, `requires_python`, and line and text of each of the `dependencies`.

    Raises:
        SyntaxError: there are two, or the block is not as it should be.
    """
    found = [(line, text) for line, kind, text in _blocks(source) if kind == BLOCK]
    if len(found) > 1:
        raise _wrong("A source has one block of the type script, and this is the second.", found[1][0])
    return _read_block(*found[0]) if found else None


def _blocks(source: str) -> Iterator[tuple[int, str, str]]:
    """First line, type and content of each block of PEP 723.

    It extends to the last end within the comment, so that each comment has at most one. One without an end is none.
    """
    lines = [*re.split("\r\n?|\n", source), ""]
    start = end = None
    for number, line in enumerate(lines):
        if start is None:
            start = number if _BLOCK_START.fullmatch(line) else None
        elif line == _BLOCK_END:
            end = number
        elif line != "#" and not line.startswith("# "):
            if end is not None and end > start + 1:
                yield start + 1, lines[start][len("# /// ") :], "\n".join(each[2:] for each in lines[start + 1 : end])
            start = end = None


def _read_block(line: int, text: str) -> dict[str, Any]:
    if len(text.encode()) > LARGEST_BLOCK:
        raise _wrong(f"The block has more than {LARGEST_BLOCK:,} bytes.", line)
    block = _toml(line, text)
    for key in block:
        if key == "tool":
            raise _wrong(
                "The block has no table [tool]: how packages are found is set by the operator.", line, text, key
            )
        if key not in _BLOCK_KEYS:
            raise _wrong(f"The block has only {' and '.join(_BLOCK_KEYS)}.", line, text, key)
    requires_python, dependencies = block.get("requires-python", ""), block.get("dependencies", [])
    if not isinstance(requires_python, str):
        raise _wrong('requires-python is a text, such as ">=3.11".', line, text, "requires-python")
    if not isinstance(dependencies, list) or not all(isinstance(each, str) for each in dependencies):
        raise _wrong('dependencies is a list of texts, such as ["httpx>=0.27"].', line, text, "dependencies")
    if len(dependencies) > MOST_DEPENDENCIES:
        raise _wrong(f"A block has at most {MOST_DEPENDENCIES} dependencies.", line, text, "dependencies")
    lines = [line + 1 + each for each in _lines_of(dependencies, text)]
    return {
        "line": line,
        "requires_python": requires_python,
        "dependencies": list(zip(lines, dependencies, strict=True)),
    }


def _toml(line: int, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Python has no attribute for the line before 3.14.
        place = _TOML_PLACE.search(str(error))
        at = int(place[1]) if place and place[1] else text.count("\n") + 1 if place else 0
        raise _wrong(f"The block is not TOML: {_TOML_PLACE.sub('', str(error))}.", line + at) from error


def _lines_of(dependencies: list[str], text: str) -> list[int]:
    """The line of each in `text`, from 0; besides, it has only the texts of keys and of `requires-python`."""
    tokens = [found for found in _TOML_TEXTS.finditer(text) if found[0][0] != "#"]
    texts = [tomllib.loads(f"x = {token[0]}")["x"] for token in tokens]
    count = len(dependencies)
    first = next(start for start in range(len(texts) + 1) if texts[start : start + count] == dependencies)
    return [text.count("\n", 0, token.start()) for token in tokens[first : first + count]]


def _wrong(message: str, line: int, text: str = "", key: str = "") -> SyntaxError:
    """The error about the block at `line`; about the line of `key` if its content, `text`, is given."""
    if found := re.search(rf"""^[ \t]*(?:\[+[ \t]*)?["']?{re.escape(key)}\b""", text, re.MULTILINE):
        line += 1 + text.count("\n", 0, found.start())
    return SyntaxError(message, ("<script>", line, None, None))


def _libraries(tree: ast.Module) -> Iterator[tuple[int, str, list[str]]]:
    """Every import of a library: line, name of the library, names imported from it.

    Raises:
        SyntaxError: an import that nothing would resolve.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                yield from ((node.lineno, name, []) for alias in aliases if (name := _library(alias.name, node.lineno)))
            case ast.ImportFrom(module=str(module), names=aliases, level=0):
                if name := _library(module, node.lineno):
                    yield node.lineno, name, [alias.name for alias in aliases if alias.name != "*"]


def _library(module: str, line: int) -> str:
    """The library that the import of `module` names; "" for any other module."""
    package, _, name = module.partition(".")
    if package != LIBRARY_PACKAGE:
        return ""
    if not name or "." in name:
        raise SyntaxError(_IMPORT_RULE, ("<script>", line, None, None))
    return name


def _names(tree: ast.Module, source: str) -> list[str] | None:
    """The names that a module offers to importers; None if it may have others, which only running it would tell."""
    used = {
        getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "name", None)
        for node in ast.walk(tree)
    }
    if used & {*_DYNAMIC, "*"}:
        return None
    table = symtable.symtable(source, "<script>", "exec")
    # Functions may bind these; whether one does is left open.
    declared = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    # Python takes quadratic time for the symbols of a table.
    if len(table.get_identifiers()) + len(declared) > MOST_NAMES:
        return None
    return sorted(declared.union(symbol.get_name() for symbol in table.get_symbols() if _is_bound(symbol)))


def _is_bound(symbol: symtable.Symbol) -> bool:
    # A walrus in a comprehension counts as declared.
    ways = symbol.is_assigned, symbol.is_imported, symbol.is_namespace, symbol.is_declared_global
    return any(way() for way in ways)


def _docstring(tree: ast.Module) -> str:
    """The docstring of the script, else of its first entry point that has one, else ""."""
    functions = [part for part in tree.body if isinstance(part, FUNCTIONS) and part.name in (ON_API_TRIGGER, RUN)]
    places: list[ast.Module | ast.FunctionDef | ast.AsyncFunctionDef] = [tree, *functions]
    return next(filter(None, map(ast.get_docstring, places)), "")


def _parameters(tree: ast.Module) -> list[str]:
    """The names in calls of `….script_param("name")`, in order; only literal ones can be found."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found = sorted(filter(None, map(_parameter, calls)))
    return list(dict.fromkeys(name for _, _, name in found))


def _parameter(call: ast.Call) -> tuple[int, int, str] | None:
    match call:
        case ast.Call(func=ast.Attribute(attr="script_param"), args=[ast.Constant(value=str(name)), *_]):
            return call.lineno, call.col_offset, name
    return None


def _bound_names(statements: list[ast.stmt]) -> Iterator[str]:
    yield from (name for name, _statement in bindings(statements))


def bindings(statements: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """The names that a module binds at its top level, in order, each with the statement that does it."""
    for statement in statements:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, statement
            case ast.ImportFrom(names=aliases):
                yield from ((alias.asname or alias.name, statement) for alias in aliases)
            case ast.Assign(targets=targets):
                yield from ((target.id, statement) for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                yield name, statement
            case ast.If() | ast.Try() | ast.TryStar() | ast.With():
                yield from bindings(_inner_statements(statement))


def _inner_statements(statement: ast.If | ast.Try | ast.TryStar | ast.With) -> list[ast.stmt]:
    blocks = [statement, *getattr(statement, "handlers", ())]
    return [inner for block in blocks for part in _BLOCKS for inner in getattr(block, part, ())]


def answer_each(answer: Callable[[str], Any]) -> None:
    """Answer each source on standard input with a line of JSON, within the limits."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    for source in json.load(sys.stdin):
        # The kernel counts from the start of the process, so the limit moves on with each source.
        most = math.ceil(time.process_time()) + CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        if len(source) > UNHURRIED:
            os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
        print(json.dumps(answer(source)), flush=True)


if __name__ == "__main__":
    answer_each(inspect)

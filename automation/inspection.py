"""The child process that reads sources: it compiles them, runs nothing of them, and says what is in them.

A program of its own that imports nothing of the product, so that it starts in a moment and knows no secret. It takes a
JSON list of sources on standard input and answers each with a line of JSON. What it cannot digest kills it alone.
"""

import ast
import json
import math
import os
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any, Final

CPU_SECONDS: Final = 5
"""The processor time that one source may take; a source of the largest size takes less than one second."""

MEMORY_BYTES: Final = 512 * 1024 * 1024
UNHURRIED: Final = 16 * 1024
"""A source with more characters may take long, and so runs at a lower priority than all that answers requests."""

NICENESS: Final = 10
LONGEST_DOCSTRING: Final = 4_000
MOST_PARAMETERS: Final = 1_000

ON_API_TRIGGER: Final = "on_api_trigger"
RUN: Final = "run"

# What the compiler raises on text that is no program: NUL bytes, nesting without end and the like.
_REFUSALS = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


def inspect(source: str) -> dict[str, Any]:
    """The contents of `source`, or the `line` and `message` of the reason why it does not compile."""
    try:
        compile(source, "<script>", "exec", dont_inherit=True)
        return _contents(ast.parse(source))
    except _REFUSALS as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        return {"line": line, "message": message or type(error).__name__}


def _contents(tree: ast.Module) -> dict[str, Any]:
    bound = set(_bound_names(tree.body))
    return {
        "entry_points": [name for name in (ON_API_TRIGGER, RUN) if name in bound],
        "docstring": _docstring(tree)[:LONGEST_DOCSTRING],
        "parameters": _parameters(tree)[:MOST_PARAMETERS],
    }


def _docstring(tree: ast.Module) -> str:
    """What the script says about itself at its top, else what its entry point says; empty where it says nothing."""
    functions = [part for part in tree.body if isinstance(part, ast.FunctionDef) and part.name in (ON_API_TRIGGER, RUN)]
    places: list[ast.Module | ast.FunctionDef] = [tree, *functions]
    return next(filter(None, map(ast.get_docstring, places)), "")


def _parameters(tree: ast.Module) -> list[str]:
    """The names in `….script_param("name")`, in order, where they are written out."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found = sorted(filter(None, map(_parameter, calls)))
    return list(dict.fromkeys(name for _, _, name in found))


def _parameter(call: ast.Call) -> tuple[int, int, str] | None:
    match call:
        case ast.Call(func=ast.Attribute(attr="script_param"), args=[ast.Constant(value=str(name)), *_]):
            return call.lineno, call.col_offset, name
    return None


def _bound_names(statements: list[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        match statement:
            case ast.FunctionDef(name=name):
                yield name
            case ast.ImportFrom(names=aliases):
                yield from (alias.asname or alias.name for alias in aliases)
            case ast.Assign(targets=targets):
                yield from (target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                yield name
            case ast.If() | ast.Try() | ast.TryStar() | ast.With():
                yield from _bound_names(_inner_statements(statement))


def _inner_statements(statement: ast.If | ast.Try | ast.TryStar | ast.With) -> list[ast.stmt]:
    inner = list(statement.body)
    if isinstance(statement, ast.If | ast.Try | ast.TryStar):
        inner += statement.orelse
    if isinstance(statement, ast.Try | ast.TryStar):
        inner += [line for handler in statement.handlers for line in handler.body] + statement.finalbody
    return inner


def _limit_cpu() -> None:
    """Let the kernel kill this process when the next source takes longer than it may."""
    most = math.ceil(time.process_time()) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def main() -> None:
    """Answer every source, in order."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    for source in json.load(sys.stdin):
        _limit_cpu()
        if len(source) > UNHURRIED:
            os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
        print(json.dumps(inspect(source)), flush=True)


if __name__ == "__main__":
    main()

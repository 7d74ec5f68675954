"""What can be said about a script without running it: pure functions over its source."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

ON_API_TRIGGER: Final = "on_api_trigger"
RUN: Final = "run"

# What the compiler raises on text that is no program: NUL bytes, nesting without end and the like.
_REFUSALS = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


@dataclass(frozen=True)
class SourceError:
    """Why a source does not compile; `line` counts from 1, None where there is none to name."""

    line: int | None
    message: str


def compile_error(source: str) -> SourceError | None:
    """The reason why `source` does not compile, None when it does."""
    try:
        compile(source, "<script>", "exec", dont_inherit=True)
    except _REFUSALS as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        return SourceError(line, message or type(error).__name__)
    return None


@lru_cache(maxsize=16)
def has_entry_point(source: str, name: str) -> bool:
    """Whether `source` can be parsed and binds `name` to a function at its top level."""
    try:
        return name in set(_bound_names(ast.parse(source).body))
    except _REFUSALS:
        return False


def docstring(source: str) -> str:
    """What the script says about itself at its top, else what its entry point says; empty where it says nothing."""
    try:
        tree = ast.parse(source)
    except _REFUSALS:
        return ""
    functions = [part for part in tree.body if isinstance(part, ast.FunctionDef) and part.name in (ON_API_TRIGGER, RUN)]
    places: list[ast.Module | ast.FunctionDef] = [tree, *functions]
    return next(filter(None, map(ast.get_docstring, places)), "")


def parameters_asked_for(source: str) -> list[str]:
    """The names in `….script_param("name")`, in order, where they are written out."""
    try:
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except _REFUSALS:
        return []
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

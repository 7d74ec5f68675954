"""A program that finds probable mistakes in sources that compile: what would fail only when a script runs.

It is started as `automation/inspection.py` is, within the same limits, but only for the editor: it takes longer. It
answers each source with the list of its problems, by line.
"""

import ast
import importlib.util
import site
import sys
from collections.abc import Iterable, Iterator
from typing import Final

from pyflakes import messages
from pyflakes.checker import Checker

from automation import inspection

MOST_PROBLEMS: Final = 100
LONGEST_NAME: Final = 100
DEEPEST: Final = 10_000
"""How many calls deep the linter may go; Python's usual limit is a sum of some 300 terms."""

ARGUMENTS: Final = {inspection.ON_API_TRIGGER: 2, inspection.RUN: 1}
"""How many arguments an entry point is called with."""

SDK: Final = "automation.sdk"

Problem = tuple[int, str, str]
"""The line, what is wrong, and the name that it is about."""

_NAMES: Final = {
    messages.UndefinedName: "UndefinedName",
    messages.UndefinedLocal: "UnassignedLocal",
    messages.UndefinedExport: "UndefinedExport",
}
_GUARDS: Final = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


def lint(source: str) -> list[Problem] | None:
    """The first problems of `source`; None if it does not compile, or is nested too deeply to be read."""
    try:
        tree = ast.parse(source)
        found = {*_wrong_entry_points(tree), *_unknown_modules(tree), *_undefined_names(tree)}
    except inspection.REFUSALS:
        return None
    return sorted((line, kind, name[:LONGEST_NAME]) for line, kind, name in found)[:MOST_PROBLEMS]


def _wrong_entry_points(tree: ast.Module) -> Iterator[Problem]:
    for statement in tree.body:
        if isinstance(statement, ast.AsyncFunctionDef) and statement.name in ARGUMENTS:
            yield statement.lineno, "AsyncEntryPoint", statement.name
    last = dict(inspection.bindings(tree.body))
    for name, count in ARGUMENTS.items():
        bound = last.get(name)
        # A decorator may change how the function is called, and of other values nothing is known.
        if isinstance(bound, ast.FunctionDef) and not bound.decorator_list and not _accepts(bound.args, count):
            yield bound.lineno, "WrongArguments", name


def _accepts(parameters: ast.arguments, count: int) -> bool:
    """Whether a function can be called with `count` positional arguments."""
    positional = len(parameters.posonlyargs) + len(parameters.args)
    needed = positional - len(parameters.defaults)
    is_enough = positional >= count or parameters.vararg is not None
    return needed <= count and is_enough and None not in parameters.kw_defaults


def _undefined_names(tree: ast.Module) -> Iterator[Problem]:
    for message in Checker(tree, "<script>").messages:
        if kind := _NAMES.get(type(message)):
            yield message.lineno, kind, str(message.message_args[0])


def _unknown_modules(tree: ast.Module) -> Iterator[Problem]:
    imports = list(_imports(tree.body))
    unknown = {module.partition(".")[0] for _line, module in imports} - sys.stdlib_module_names
    unknown -= {"", inspection.LIBRARY_PACKAGE}
    missing = set(_not_installed(unknown - {"automation"}))
    for line, module in imports:
        if not module:
            yield line, "RelativeImport", ""
        elif module.partition(".")[0] in missing or _is_internal(module):
            yield line, "UnknownModule", module


def _is_internal(module: str) -> bool:
    """Whether `module` is a part of the product that scripts cannot import."""
    is_sdk = module == SDK or module.startswith(f"{SDK}.")
    return module.startswith("automation.") and not is_sdk


def _not_installed(names: Iterable[str]) -> Iterator[str]:
    """The names of modules that no package has."""
    if wanted := sorted(names):
        # What script hosts see: without `site`, the search path has only Python's own modules.
        site.main()
        yield from (name for name in wanted if importlib.util.find_spec(name) is None)


def _imports(statements: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    """Line and module of each import that must succeed; no module for a relative one."""
    for node in statements:
        match node:
            case ast.Import(names=aliases):
                yield from ((node.lineno, alias.name) for alias in aliases)
            case ast.ImportFrom(module="automation", names=aliases, level=0):
                yield from ((node.lineno, f"automation.{alias.name}") for alias in aliases)
            case ast.ImportFrom(module=module, level=level):
                yield node.lineno, "" if level else module or ""
            case _:
                yield from _imports(_certain(node))


def _certain(node: ast.AST) -> Iterable[ast.AST]:
    """The parts of a node that do not provide for a failing import."""
    match node:
        case ast.Try(handlers=handlers) | ast.TryStar(handlers=handlers) if any(map(_is_guard, handlers)):
            return [*node.orelse, *node.finalbody]
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            return node.orelse
    return ast.iter_child_nodes(node)


def _is_guard(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(each, ast.Name) and each.id in _GUARDS for each in caught)


def main() -> None:
    sys.setrecursionlimit(DEEPEST)
    inspection.answer_each(lint)

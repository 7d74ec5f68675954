"""A program that finds probable mistakes in sources that compile: what would fail only when a script runs.

It is started as `automation/inspection.py` is, within the same limits, but only for the editor: it takes longer. The
first line that it reads says what packages there are. It answers each source with the list of its problems, by line.
"""

import ast
import importlib.util
import json
import re
import site
import sys
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from typing import Final, TypedDict

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


class OfferedPackages(TypedDict):
    """What a source may import of packages, instead of those that are installed beside the product."""

    names: Collection[str]
    """The normalised names of those that it asks for."""
    modules: Collection[str] | None
    """Their modules without a dot; None if these are not known yet."""


Problem = tuple[int, str, str]
"""The line, what is wrong, and the name that it is about."""

_NAMES: Final = {
    messages.UndefinedName: "UndefinedName",
    messages.UndefinedLocal: "UnassignedLocal",
    messages.UndefinedExport: "UndefinedExport",
}
_GUARDS: Final = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


def lint(source: str, packages: OfferedPackages | None) -> list[Problem] | None:
    """The first problems of `source`; None if it does not compile, or is nested too deeply to be read.

    `packages` is None if it asks for none.
    """
    try:
        tree = ast.parse(source)
        found = {*_wrong_entry_points(tree), *_unknown_modules(tree, packages), *_undefined_names(tree)}
    except inspection.REFUSALS:
        return None
    return sorted((line, kind, name[:LONGEST_NAME]) for line, kind, name in found)[:MOST_PROBLEMS]


def _wrong_entry_points(tree: ast.Module) -> Iterator[Problem]:
    last = dict(inspection.bindings(tree.body))
    for name, count in ARGUMENTS.items():
        bound = last.get(name)
        # A decorator may change how the function is called, and of other values nothing is known.
        if isinstance(bound, inspection.FUNCTIONS) and not bound.decorator_list and not _accepts(bound.args, count):
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


def _unknown_modules(tree: ast.Module, packages: OfferedPackages | None) -> Iterator[Problem]:
    imports = list(_imports(tree.body))
    usual = {"", "automation", inspection.LIBRARY_PACKAGE, *sys.stdlib_module_names}
    further = {module for _line, module in imports if module.partition(".")[0] not in usual}
    if packages is None:
        missing = set(_not_installed({module.partition(".")[0] for module in further}))
    else:
        missing = set(_not_in(packages, further))
    for line, module in imports:
        if not module:
            yield line, "RelativeImport", ""
        elif _is_internal(module):
            yield line, "InternalModule", module
        elif module.partition(".")[0] in missing:
            yield line, "UnknownModule", module


def _is_internal(module: str) -> bool:
    """Whether `module` is a part of the product that scripts cannot import."""
    is_sdk = module == SDK or module.startswith(f"{SDK}.")
    return module.startswith("automation.") and not is_sdk


def _not_in(packages: OfferedPackages, modules: Collection[str]) -> Iterator[str]:
    """The first parts of `modules` that the packages cannot have, as far as that is known."""
    firsts = {module.partition(".")[0] for module in modules}
    if packages["modules"] is not None:
        # Names of private modules are not kept.
        yield from (name for name in firsts.difference(packages["modules"]) if not name.startswith("_"))
        return
    found = {(name, module) for name in packages["names"] for module in modules if _is_named_after(module, name)}
    # A package that is named otherwise than its modules, as PyYAML is, may have any of them.
    if {name for name, _module in found}.issuperset(packages["names"]):
        yield from firsts - {module.partition(".")[0] for _name, module in found}


def _is_named_after(module: str, package: str) -> bool:
    """Whether a package with this normalised name probably has the module, as `google-auth` has `google.auth.aws`."""
    return f"{re.sub('[._]+', '-', module).lower()}-".startswith(f"{package}-")


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
    packages = json.loads(sys.stdin.readline())
    inspection.answer_each(partial(lint, packages=packages))

"""What is wrong with a source that compiles, in words, for the editor."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automation import compiler, requirements
from automation.libraries import LibraryError, resolve
from automation.package_modules import known_modules
from automation.package_plans import requirements_of
from automation.requirements import RequirementError, Requirements
from automation.source import ON_API_TRIGGER, RUN, Contents
from automation.versions import ScriptKind

_CALLS: Final = {ON_API_TRIGGER: f"{ON_API_TRIGGER}(engine, request)", RUN: f"{RUN}(engine)"}

_WARNINGS: Final[Mapping[str, object]] = {
    "UndefinedName": gettext_lazy("{name} is not defined."),
    "UnassignedLocal": gettext_lazy("The local variable {name} is read before it has a value."),
    "UndefinedExport": gettext_lazy("__all__ names {name}, which is not defined."),
    "UnknownModule": gettext_lazy(
        "There is no module {name} in Python, the installed packages or the SDK. "
        "A block # /// script can ask for the package that has it."
    ),
    "NotInPackages": gettext_lazy(
        "There is no module {name} in Python, the SDK or the packages that the source asks for. "
        "Add the package that has it to the dependencies of the block."
    ),
    "InternalModule": gettext_lazy("Scripts cannot import {name}, which is a part of the product."),
    "RelativeImport": gettext_lazy("A script is not part of a package, so a relative import fails."),
    "WrongArguments": gettext_lazy("{name} cannot be called as {call}."),
}
"""By what `automation.lint_process` finds; a module is not in the packages if it is unknown and there are some."""


@dataclass(frozen=True)
class Problem:
    """A probable mistake; an error keeps the source from being saved."""

    line: int | None
    message: str
    is_error: bool = False


@dataclass(frozen=True)
class Checked:
    """What was found in a source that compiles, and a sentence that says what was looked for."""

    problems: list[Problem]
    summary: str
    needed: Requirements
    """The packages that the source asks for, with those of its libraries; none if that cannot be told."""


def check(source: str, contents: Contents, kind: str, name: str) -> Checked:
    """Check a source that compiles, as a script or a library (`kind`) named `name` will have it."""
    is_library = kind == ScriptKind.LIBRARY
    errors = list(_entry_point_errors(contents, is_library))
    try:
        needed = _needed(source, contents, name if is_library else "")
        warnings = _warnings(source, needed)
    except (LibraryError, RequirementError) as error:
        errors.append(Problem(error.line, error.message, is_error=True))
        needed = Requirements()
        warnings = _warnings(source, needed, knows_modules=False)
    problems = sorted([*errors, *(warnings or ())], key=lambda problem: (not problem.is_error, problem.line or 0))
    if warnings is None:
        return Checked(problems, _("Checked: syntax. Names and imports could not be checked."), needed)
    return Checked(problems, _("Checked: syntax, entry points, names, imports."), needed)


def _needed(source: str, contents: Contents, own_name: str) -> Requirements:
    """What a source asks for, as a save would check it."""
    if contents.block is not None:
        requirements.check(contents.block, requirements.allowed_names())
    # A library asks for packages, too, when a script uses it.
    return requirements_of(ScriptKind.SCRIPT, source, resolve(source, own_name))


def _warnings(source: str, needed: Requirements, *, knows_modules: bool = True) -> list[Problem] | None:
    """What the linter finds; None if it could not look."""
    if needed:
        found = compiler.lint(source, requirements.names(needed), known_modules(needed))
    else:
        found = compiler.lint(source)
    if found is None:
        return None
    return [_warning(*each, needed) for each in found if knows_modules or each[1] != "UnknownModule"]


def _warning(line: int, kind: str, name: str, needed: Requirements) -> Problem:
    kind = "NotInPackages" if kind == "UnknownModule" and needed else kind
    return Problem(line, str(_WARNINGS[kind]).format(name=name, call=_CALLS.get(name, "")))


def _entry_point_errors(contents: Contents, is_library: bool) -> Iterator[Problem]:
    if is_library and contents.entry_points:
        rule = _("A library has no entry point: rename the function {}.")
        yield Problem(None, rule.format(contents.entry_points[0]), is_error=True)
    elif not is_library and not contents.entry_points:
        rule = _("A script needs a function {} or {}.")
        yield Problem(None, rule.format(*_CALLS.values()), is_error=True)

"""What is wrong with a source that compiles, in words, for the editor."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from automation import compiler, libraries
from automation.source import ON_API_TRIGGER, RUN, Contents
from automation.versions import ScriptKind

_CALLS: Final = {ON_API_TRIGGER: f"{ON_API_TRIGGER}(engine, request)", RUN: f"{RUN}(engine)"}

_WARNINGS: Final[Mapping[str, object]] = {
    "UndefinedName": gettext_lazy("{name} is not defined."),
    "UnassignedLocal": gettext_lazy("The local variable {name} is read before it has a value."),
    "UndefinedExport": gettext_lazy("__all__ names {name}, which is not defined."),
    "UnknownModule": gettext_lazy("There is no module {name} in Python, the installed packages or the SDK."),
    "RelativeImport": gettext_lazy("A script is not part of a package, so a relative import fails."),
    "AsyncEntryPoint": gettext_lazy("{name} is an async function. Entry points cannot be async yet."),
    "WrongArguments": gettext_lazy("{name} cannot be called as {call}."),
}
"""By what `automation.lint_process` finds."""


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


def check(source: str, contents: Contents, kind: str, name: str) -> Checked:
    """Check a source that compiles, as a script or a library (`kind`) named `name` will have it."""
    found = compiler.lint(source)
    is_library = kind == ScriptKind.LIBRARY
    errors = [*_entry_point_errors(contents, is_library), *_library_errors(source, name if is_library else "")]
    warnings = [_warning(*each) for each in found or ()]
    problems = sorted([*errors, *warnings], key=lambda problem: (not problem.is_error, problem.line or 0))
    if found is None:
        return Checked(problems, _("Checked: syntax. Names and imports could not be checked."))
    return Checked(problems, _("Checked: syntax, entry points, names, imports."))


def _warning(line: int, kind: str, name: str) -> Problem:
    return Problem(line, str(_WARNINGS[kind]).format(name=name, call=_CALLS.get(name, "")))


def _entry_point_errors(contents: Contents, is_library: bool) -> Iterator[Problem]:
    if is_library and contents.entry_points:
        rule = _("A library has no entry point: rename the function {}.")
        yield Problem(None, rule.format(contents.entry_points[0]), is_error=True)
    elif not is_library and not contents.entry_points:
        rule = _("A script needs a function {} or {}.")
        yield Problem(None, rule.format(*_CALLS.values()), is_error=True)


def _library_errors(source: str, own_name: str) -> Iterator[Problem]:
    try:
        libraries.resolve(source, own_name)
    except libraries.LibraryError as error:
        yield Problem(error.line, error.message, is_error=True)

"""Signatures and docstrings of Python objects, as the editor shows them."""

import enum
import inspect
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, Final

LONGEST_DEFAULT: Final = 40

_MODULES: Final = re.compile(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])")
_MARKS: Final[Mapping[object, str]] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


def first_paragraph(value: object) -> str:
    """The first paragraph of the docstring, as one line; "" without one."""
    return " ".join(inspect.cleandoc(getattr(value, "__doc__", None) or "").partition("\n\n")[0].split())


def annotation_text(annotation: object) -> str:
    """An annotation as an author writes it, without names of modules; "" for none."""
    if annotation is inspect.Parameter.empty:
        return ""
    if annotation in (None, NoneType):
        return "None"
    if typing.get_origin(annotation) in (typing.Union, UnionType):
        return " | ".join(dict.fromkeys(map(annotation_text, typing.get_args(annotation))))
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return _MODULES.sub("", text).replace("~", "")


def hints_of(value: object) -> dict[str, Any]:
    """The annotations of a function or class; unresolved ones stay text."""
    try:
        return typing.get_type_hints(value)
    except (NameError, TypeError):
        return dict(getattr(value, "__annotations__", {}))


def parameters_of(function: Callable[..., Any], is_bound: bool = False) -> tuple[str, ...] | None:
    """What a call takes, with the marks `*` and `/`; None where Python does not tell.

    Args:
        is_bound: whether the first parameter is given already, as in a method.
    """
    try:
        found = list(inspect.signature(function).parameters.values())[int(is_bound) :]
    except (ValueError, TypeError):
        return None
    hints = hints_of(function.__init__ if inspect.isclass(function) else function)
    return tuple(_with_marks([each.replace(annotation=hints.get(each.name, each.annotation)) for each in found]))


def returns_of(function: Callable[..., Any]) -> list[Any]:
    """The annotations of what a call returns: those of its overloads, else its own."""
    variants = typing.get_overloads(function) if inspect.isfunction(function) else ()
    found = [hints_of(each) for each in (*variants, function)]
    return [hints["return"] for hints in found if "return" in hints][: len(variants) or 1]


def _with_marks(parameters: list[inspect.Parameter]) -> Iterator[str]:
    before = None
    for each in parameters:
        if before == each.POSITIONAL_ONLY != each.kind:
            yield "/"
        if each.kind == each.KEYWORD_ONLY and before not in (each.KEYWORD_ONLY, each.VAR_POSITIONAL):
            yield "*"
        yield _parameter_text(each)
        before = each.kind
    if before == inspect.Parameter.POSITIONAL_ONLY:
        yield "/"


def _parameter_text(parameter: inspect.Parameter) -> str:
    annotation = annotation_text(parameter.annotation)
    typed = f"{_MARKS.get(parameter.kind, '')}{parameter.name}" + (f": {annotation}" if annotation else "")
    if parameter.default is parameter.empty:
        return typed
    return f"{typed}{' = ' if annotation else '='}{_default_text(parameter.default)}"


def _default_text(default: object) -> str:
    if isinstance(default, enum.Enum):
        return f"{type(default).__name__}.{default.name}"
    text = repr(default)
    # A function or a sentinel shows its address, which differs from process to process.
    return "…" if text.startswith("<") or len(text) > LONGEST_DEFAULT else text

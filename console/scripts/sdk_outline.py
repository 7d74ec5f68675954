"""What the editor completes of the SDK, read from the SDK itself: its names, members, signatures and docstrings."""

import ast
import builtins
import enum
import inspect
import textwrap
import types
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Final

from automation import sdk
from console.scripts.signatures import annotation_text, first_paragraph, hints_of, parameters_of, returns_of

_PYTHONS_OWN: Final = ("builtins", "collections.abc")
"""The modules whose types are described as well, where the SDK has values of them."""

_OF_ENUMS: Final = ("name", "value")


@dataclass(frozen=True)
class OutlineEntry:
    """A name and what the editor says about it."""

    kind: str
    """`class`, `function`, `method`, `property`, `constant` or `type`."""
    doc: str = ""
    parameters: tuple[str, ...] | None = None
    """What a call takes; None if it cannot be called, or Python does not tell."""
    returns: str = ""
    """The annotation of what a call returns, else of the value."""
    type: str = ""
    """The key of that in `Outline.types`; "" for what has no members to offer."""
    item: str = ""
    """The same for the items of a mapping or sequence."""
    on_class: bool = False
    """Whether it is a member of the class instead of its instances."""


@dataclass(frozen=True)
class Outline:
    """The names that `module` offers to scripts, and the members of the types that they lead to."""

    module: str
    names: dict[str, OutlineEntry]
    types: dict[str, dict[str, OutlineEntry]]


@cache
def sdk_outline() -> Outline:
    """The outline of `automation.sdk`."""
    return outline_of(sdk)


def outline_of(module: types.ModuleType) -> Outline:
    """The outline of a module whose classes come from itself and its submodules."""
    reader = _Reader(module.__name__)
    public = {name: getattr(module, name) for name in _public_names(module)}
    return Outline(module.__name__, {name: reader.entry(value) for name, value in public.items()}, reader.types())


def _public_names(module: types.ModuleType) -> list[str]:
    if hasattr(module, "__all__"):
        return list(module.__all__)
    own = (name for name, value in vars(module).items() if _is_from(value, module.__name__))
    return [name for name in own if not name.startswith("_")]


def _is_from(value: object, module: str) -> bool:
    is_named = inspect.isclass(value) or inspect.isfunction(value)
    return is_named and f"{getattr(value, '__module__', '')}.".startswith(f"{module}.")


@dataclass
class _Reader:
    """Describes objects, and notes the classes that they lead to."""

    module: str
    _classes: dict[str, type] = field(default_factory=dict)

    def types(self) -> dict[str, dict[str, OutlineEntry]]:
        """The members of every class noted so far, and of those that they lead to."""
        found: dict[str, dict[str, OutlineEntry]] = {}
        while new := [each for name, each in self._classes.items() if name not in found]:
            found |= {each.__name__: dict(self._members(each)) for each in new}
        return found

    def entry(self, value: Any) -> OutlineEntry:
        """What is said of a name of the module."""
        if inspect.isclass(value):
            # What enumerations take is the business of their base class.
            parameters = None if issubclass(value, enum.Enum) else parameters_of(value)
            kind = self._type(value, value)[0]
            return OutlineEntry("class", first_paragraph(value), parameters, value.__name__, kind)
        if inspect.isfunction(value):
            return self._called("function", value, None)
        if typing.get_origin(value):
            return OutlineEntry("type", returns=annotation_text(value))
        return OutlineEntry("constant", "", None, type(value).__name__, *self._type(type(value), None))

    def _members(self, owner: type) -> Iterator[tuple[str, OutlineEntry]]:
        if owner.__module__ in _PYTHONS_OWN:
            bases: tuple[type, ...] = owner.__mro__[:-1]
        else:
            bases = tuple(base for base in owner.__mro__ if _is_from(base, self.module))
        # The nearest base comes last, and so counts.
        for base in reversed(bases):
            stated = {**_set_by_init(base), **hints_of(base)}
            yield from ((name, self._valued(stated[name], owner)) for name in stated if not name.startswith("_"))
            own = [name for name in vars(base) if name not in stated and not name.startswith("_")]
            yield from ((name, self._member(vars(base)[name], owner)) for name in own)
        if issubclass(owner, enum.Enum):
            yield from ((name, self._valued("str" if name == "name" else "", owner)) for name in _OF_ENUMS)
            yield from ((each.name, self._constant(each)) for each in owner)

    def _member(self, value: Any, owner: type) -> OutlineEntry:
        match value:
            case property(fget=getter) | cached_property(func=getter) if getter:
                return self._valued(next(iter(returns_of(getter)), ""), owner, first_paragraph(value))
            case classmethod():
                return self._called("method", value.__get__(None, owner), owner, on_class=True)
            case staticmethod():
                return self._called("method", value.__func__, owner, on_class=True)
        if callable(value):
            return self._called("method", value, owner, is_bound=True)
        # What Python's own descriptors return is not stated anywhere.
        return self._valued("" if hasattr(type(value), "__get__") else type(value), owner)

    def _called(
        self, kind: str, function: Any, owner: type | None, *, is_bound: bool = False, on_class: bool = False
    ) -> OutlineEntry:
        found = returns_of(getattr(function, "__func__", function))
        texts = [part for annotation in found for part in annotation_text(annotation).split(" | ")]
        known = self._first_type(found, owner)
        returns = " | ".join(dict.fromkeys(owner.__name__ if owner and text == "Self" else text for text in texts))
        return OutlineEntry(
            kind, first_paragraph(function), parameters_of(function, is_bound), returns, *known, on_class
        )

    def _valued(self, annotation: object, owner: type, doc: str = "") -> OutlineEntry:
        return OutlineEntry("property", doc, None, annotation_text(annotation), *self._type(annotation, owner))

    def _constant(self, member: enum.Enum) -> OutlineEntry:
        owner = type(member)
        return OutlineEntry("constant", "", None, repr(member.value), *self._type(owner, owner), on_class=True)

    def _type(self, annotation: Any, owner: type | None) -> tuple[str, str]:
        """The types of a value and of its items, for the first of alternatives."""
        if isinstance(annotation, str):
            return self._named(annotation), ""
        if annotation is typing.Self and owner:
            annotation = owner
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in (typing.Union, types.UnionType):
            return self._first_type(arguments, owner)
        known = self._known(origin or annotation)
        return known, self._type(arguments[-1], owner)[0] if known and arguments else ""

    def _first_type(self, annotations: Iterable[Any], owner: type | None) -> tuple[str, str]:
        found = [self._type(each, owner) for each in annotations]
        return next((each for each in found if each[0]), ("", ""))

    def _named(self, text: str) -> str:
        name = text.partition("[")[0].partition(" ")[0]
        return self._known(self._classes.get(name) or getattr(builtins, name, None))

    def _known(self, found: object) -> str:
        """The name of a class that is described; "" for others."""
        if not inspect.isclass(found) or found in (object, type(None)):
            return ""
        if found.__module__ not in _PYTHONS_OWN and not _is_from(found, self.module):
            return ""
        return self._classes.setdefault(found.__name__, found).__name__


def _set_by_init(owner: type) -> dict[str, Any]:
    """The attributes that `__init__` sets, each with its annotation, else that of the parameter it is set to."""
    init = vars(owner).get("__init__")
    if not inspect.isfunction(init) or not init.__code__.co_filename.endswith(".py"):
        return {}
    hints, found = hints_of(init), {}
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(init)))):
        match node:
            case ast.AnnAssign(target=ast.Attribute(attr=name), annotation=annotation):
                found[name] = ast.unparse(annotation)
            case ast.Assign(targets=[ast.Attribute(attr=name)], value=ast.Name(id=source)):
                found[name] = hints.get(source, "")
            case ast.Assign(targets=[ast.Attribute(attr=name)], value=ast.Call(func=ast.Name(id=source))):
                found[name] = source if inspect.isclass(getattr(builtins, source, None)) else ""
            case ast.Assign(targets=[ast.Attribute(attr=name)]):
                found.setdefault(name, "")
    return found

"""YAML with line numbers, and none of what a list of objects does not need: aliases, tags, second documents."""

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import yaml
from yaml.reader import Reader

DEEPEST = 16

# libyaml's where the wheel has it: ten times as fast.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FLAGS = {"true": True, "false": False}

Value = TypeVar("Value")
Report = Callable[[int, str], None]
"""Takes a line, counted from 1, and what is wrong there."""
Read = Callable[[yaml.Node], Any]


class NodeError(Exception):
    """A value that is not what is asked for; `line` counts from 1."""

    def __init__(self, node: yaml.Node, message: str) -> None:
        super().__init__(message)
        self.line = line_of(node)


def line_of(node: yaml.Node) -> int:
    """Where a value begins, counted from 1."""
    return _line(node.start_mark)


def compose(text: str, report: Report) -> yaml.Node | None:
    """The one document in `text`; None when it was found faulty, or when there is nothing."""
    unprintable = Reader.NON_PRINTABLE.search(text)
    if unprintable:
        line = text.count("\n", 0, unprintable.start()) + 1
        report(line, f"the character U+{ord(unprintable.group()):04X} cannot stand in YAML")
        return None
    faults = 0
    try:
        for line, message in _unwanted(text):
            report(line, message)
            faults += 1
        return None if faults else yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        report(_line(mark), f"no valid YAML: {_problem(text, mark) or error.problem or error.context}")
    except yaml.YAMLError:
        report(1, "no valid YAML")
    return None


def _problem(text: str, mark: Any) -> str | None:
    """What libyaml calls a character that cannot start any token, and what nobody sees."""
    is_tab = mark is not None and text[mark.index : mark.index + 1] == "\t"
    return "a tab where only blanks can indent" if is_tab else None


def _unwanted(text: str) -> Iterator[tuple[int, str]]:
    """Looked for before anything is built: aliases multiply what they name, nesting without end ends the process."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = _line(event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if documents > 1:
            yield line, "a second document in the file"
            return
        if depth > DEEPEST:
            yield line, f"nested deeper than {DEEPEST} levels"
            return
        if getattr(event, "anchor", None) is not None:
            yield line, "anchors and aliases are not taken: write it out"
        elif getattr(event, "tag", None) is not None:
            yield line, "tags (!…) are not taken"
        elif isinstance(event, yaml.DocumentStartEvent) and event.tags:
            yield line, "%TAG is not taken"


def members(node: yaml.Node, report: Report) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """The members of a mapping by name; names that are no text or come twice are reported and left out.

    Raises:
        NodeError: it is no mapping.
    """
    if not isinstance(node, yaml.MappingNode):
        raise NodeError(node, "must be a mapping (name: value)")
    found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if key.tag != f"{_TAG}str":
            report(line_of(key), "a name must be text")
        elif name in found:
            report(line_of(key), f"{name!r} is there twice, first in line {line_of(found[name][0])}")
        else:
            found[name] = key, value
    return found


def items(node: yaml.Node) -> list[yaml.Node]:
    """The entries of a list.

    Raises:
        NodeError: it is none.
    """
    if not isinstance(node, yaml.SequenceNode):
        raise NodeError(node, "must be a list")
    return list(node.value)


def text(node: yaml.Node) -> str:
    """A text.

    Raises:
        NodeError: it is none.
    """
    if _is(node, "str"):
        return str(node.value)
    if isinstance(node, yaml.ScalarNode) and node.tag != f"{_TAG}null":
        raise NodeError(node, "must be text: put it in quotes")
    raise NodeError(node, "must be text")


def whole_number(node: yaml.Node) -> int:
    """A whole number, written in decimal digits.

    Raises:
        NodeError: it is none.
    """
    if _is(node, "int") and _WHOLE_NUMBER.fullmatch(node.value):
        return int(node.value)
    raise NodeError(node, "must be a whole number")


def flag(node: yaml.Node) -> bool:
    """`true` or `false`.

    Raises:
        NodeError: it is neither.
    """
    if _is(node, "bool") and node.value in _FLAGS:
        return _FLAGS[node.value]
    raise NodeError(node, "must be true or false")


def is_null(node: yaml.Node) -> bool:
    """Whether nothing is there, or `null`."""
    return _is(node, "null")


def texts(node: yaml.Node) -> list[str]:
    """A list of texts.

    Raises:
        NodeError: it is none.
    """
    return [text(item) for item in items(node)]


def _line(mark: Any) -> int:
    return 1 if mark is None else int(mark.line) + 1


def _is(node: yaml.Node, tag: str) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}{tag}"

"""YAML in and out: read with line numbers and without aliases, tags and second documents; written for reviews."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml
from yaml.reader import Reader

DEEPEST = 16

# libyaml's where the wheel has it: ten times as fast.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_FRACTION = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]{1,17}")
_FLAGS = {"true": True, "false": False}

OTHER: Final = object()
"""A scalar that no property takes, such as a date, or `017` and `on`, which YAML versions read differently."""

Located = tuple[int, str]
"""A line, counted from 1, and what is wrong there."""


class NodeError(Exception):
    """YAML that is not what is asked for; its `args` are the `Located` faults, everything that is wrong."""


@dataclass(frozen=True)
class YamlNode:
    """A value and where it begins: str, int, float, bool, None, OTHER, a list of nodes, or a dict of nodes by name."""

    line: int
    value: Any
    key_line: int = 0
    """For a member of a mapping, where its name stands."""


def read_yaml(text: str) -> tuple[YamlNode | None, list[Located]]:
    """The document in `text`, None if there is none, and the faults of members that are left out.

    Raises:
        NodeError: the text is not YAML, or uses a feature that is refused here.
    """
    if unprintable := Reader.NON_PRINTABLE.search(text):
        line = text.count("\n", 0, unprintable.start()) + 1
        raise NodeError((line, f"the character U+{ord(unprintable.group()):04X} is not allowed in YAML"))
    faults: list[Located] = []
    try:
        # An error half-way leaves in the list what came before it.
        faults.extend(_refused_features(text))
        if not faults:
            root = yaml.compose(text, Loader=_Loader)
            return (_converted(root, faults) if root is not None else None), faults
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        # libyaml says only "a character that cannot start any token", and nobody sees a tab.
        is_tab = mark is not None and text[mark.index : mark.index + 1] == "\t"
        problem = "a tab where only spaces can indent" if is_tab else error.problem
        faults.append((_line(mark), f"not valid YAML: {problem or error.context}"))
    except yaml.YAMLError:
        faults.append((1, "not valid YAML"))
    raise NodeError(*faults)


def _refused_features(text: str) -> Iterator[Located]:
    """Checked before anything is built: aliases multiply what they name, and unlimited nesting ends the process."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        line = _line(event.start_mark)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            yield line, "a second document in the file"
            return
        if depth > DEEPEST:
            yield line, f"nested deeper than {DEEPEST} levels"
            return
        if getattr(event, "anchor", None) is not None:
            yield line, "anchors and aliases are not supported: write the value out"
        elif getattr(event, "tag", None) is not None:
            yield line, "tags (!…) are not supported"
        elif isinstance(event, yaml.DocumentStartEvent) and event.tags:
            yield line, "%TAG is not supported"


def _line(mark: Any) -> int:
    return 1 if mark is None else int(mark.line) + 1


def _converted(node: yaml.Node, faults: list[Located], key_line: int = 0) -> YamlNode:
    value: Any
    if isinstance(node, yaml.MappingNode):
        value = _members(node, faults)
    elif isinstance(node, yaml.SequenceNode):
        value = [_converted(item, faults) for item in node.value]
    else:
        value = _scalar(node.tag.removeprefix(_TAG), node.value)
    return YamlNode(_line(node.start_mark), value, key_line)


def _members(node: yaml.MappingNode, faults: list[Located]) -> dict[str, YamlNode]:
    found: dict[str, YamlNode] = {}
    for key, value in node.value:
        line = _line(key.start_mark)
        if key.tag != f"{_TAG}str":
            faults.append((line, "a name must be text"))
        elif key.value in found:
            faults.append((line, f"{key.value!r} is given twice, first in line {found[key.value].key_line}"))
        else:
            found[key.value] = _converted(value, faults, line)
    return found


def _scalar(tag: str, text: str) -> Any:
    if tag == "int" and _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    if tag == "float" and _FRACTION.fullmatch(text):
        return float(text)
    if tag == "bool":
        return _FLAGS.get(text, OTHER)
    return {"str": text, "null": None}.get(tag, OTHER)


class _Dumper(yaml.SafeDumper):
    """PyYAML's own, in Python: libyaml's escapes other characters, so the files would depend on the machine."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def _write_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML writes other kinds of line ends as they are, and reads them as spaces.
    is_plain = text.replace("\n", "").isprintable()
    style = ("|" if "\n" in text else None) if is_plain else '"'
    return dumper.represent_scalar(f"{_TAG}str", text, style=style)


_Dumper.add_representer(str, _write_text)


def as_yaml(value: Mapping[str, Any]) -> str:
    """`value` as block YAML, members in their order, no line folded."""
    return yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, default_flow_style=False, width=2**31)

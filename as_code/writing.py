"""Entries as YAML that people read and that changes only where something has changed."""

from collections.abc import Mapping
from typing import Any

import yaml

from as_code.kinds import DEFINITIONS, REQUIRED, DocumentKind, default_input_type

Written = Mapping[str, Any]
"""An entry as it is written down: what has its default is left out."""


class _Dumper(yaml.SafeDumper):
    """PyYAML's own, written in Python: libyaml's escapes other characters, and the same text would give other files."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Lists stand further in than what they belong to."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Everything is written out."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    # PyYAML writes line ends of other kinds as they are, and reads them as blanks.
    is_plain = text.replace("\n", "").isprintable()
    style = ("|" if "\n" in text else None) if is_plain else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def entry(kind: DocumentKind, values: Mapping[str, Any]) -> Written:
    """What is worth writing down of an object's properties, in the order of the table."""
    defaults = {one.name: one.default for one in kind.properties if one.default is not REQUIRED}
    if kind is DEFINITIONS:
        defaults["inputType"] = default_input_type(values["actionType"])
    named = {one.name: values[one.name] for one in kind.properties if one.name in values}
    return {name: value for name, value in named.items() if name not in defaults or value != defaults[name]}


def as_yaml(value: Mapping[str, Any]) -> str:
    """`value` as YAML."""
    return yaml.dump(value, Dumper=_Dumper, allow_unicode=True, sort_keys=False, default_flow_style=False, width=2**31)


def on_one_line(text: str) -> str:
    """A name as a title shows it: without control characters."""
    return text if text.isprintable() else repr(text)

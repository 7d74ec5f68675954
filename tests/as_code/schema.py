"""The JSON Schema of the files, for editors. as_code/schema.json is renewed with
`manage.py shell -c "from tests.as_code import schema; schema.renew()"`.
"""

import json
from collections.abc import Mapping
from typing import Any

from rest_framework.fields import empty

from as_code.kinds import KINDS, VERSIONS
from objects.serializers import ListOf, StrictSerializer
from testbed.stack import ROOT

FILE = ROOT / "as_code" / "schema.json"


def renew() -> None:
    FILE.write_text(renewed())


def renewed() -> str:
    """The file with its description of the plain properties brought up to date."""
    found: dict[str, Any] = json.loads(FILE.read_text())
    for kind in (*KINDS, VERSIONS):
        described = found["$defs"][kind.noun]
        described["required"] = [name for name, default in kind.defaults.items() if default is empty]
        for name, field in kind.plain.items():
            described["properties"][name] = _merged(described["properties"].get(name, {}), _schema_of(field))
        assert described["properties"].keys() == kind.properties.keys(), "describe special properties by hand"
    return json.dumps(found, indent=2) + "\n"


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """`old` with what is new; what only `old` says, such as a pattern, stays."""
    both = {word: _merged(old[word], new[word]) for word in old.keys() & new.keys() if isinstance(new[word], dict)}
    return {**old, **new, **both}


def _schema_of(field: Any) -> dict[str, Any]:
    limits = {"minimum": "min_value", "maximum": "max_value", "description": "help_text"}
    found = {word: getattr(field, name) for word, name in limits.items() if getattr(field, name, None) is not None}
    match field:
        case StrictSerializer():
            members = {name: _schema_of(member) for name, member in field.properties.items()}
            found |= {"type": "object", "additionalProperties": False, "required": [*members], "properties": members}
        case ListOf():
            found |= {"type": "array", "items": _schema_of(field.child)}
            found |= {"minItems": field.min_length, "maxItems": field.max_length} if field.max_length else {}
        case _:
            found |= field.schema
            found |= {"maxLength": field.max_length} if getattr(field, "max_length", None) else {}
    if field.allow_null:
        found["type"] = [found["type"], "null"]
    has_default = field.default is not empty and (field.default is not None or field.allow_null)
    return found | ({"default": field.get_default()} if has_default else {})

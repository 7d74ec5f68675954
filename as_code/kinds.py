"""What a file says of each kind of object: the properties of its serializer, and those that are special to files.

A new plain property of a serializer needs no line here. Special are ids and keys, references by name or key instead of
by id, and digests.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from rest_framework import serializers
from rest_framework.fields import empty

from as_code.yaml_format import Located, NodeError, YamlNode
from automation.serializers import CredentialSerializer, ScriptSerializer
from definitions.models import InputType
from definitions.serializers import DefinitionSerializer, default_input_type
from objects.serializers import AuthoredSerializer, Choice, Id, ListOf, Number, StrictSerializer, Text, TypedField
from tokens.serializers import TokenSerializer

_FIRST: Final = ("id", "name", "key", "number")
_LARGEST_NUMBER: Final = 10**9 - 1
_AT_VERSION = re.compile(r".+@[1-9][0-9]{0,8}")

LibraryVersion = int | str
"""A version of a library: its number; `NAME@NUMBER` if scripts import the library by an earlier name."""


@dataclass(frozen=True, eq=False)
class DocumentKind:
    """A kind of object: its name in messages and its properties."""

    noun: str
    serializer: type[AuthoredSerializer]
    identity: tuple[str, ...]
    """The properties that say which object an entry describes; the last one occurs only once in the files."""
    special: Mapping[str, TypedField]
    """The properties that only files have, and those that files have in another form: columns if they have a source."""
    left_out: frozenset[str] = frozenset()
    """Properties of `serializer` that files have in another form."""
    has_id: bool = True

    @property
    def section(self) -> str:
        return f"{self.noun}s"

    @cached_property
    def properties(self) -> dict[str, TypedField]:
        """In the order of an export."""
        content = {name: field for name, field in self.serializer.content().items() if name not in self.left_out}
        found = content | ({"id": FileId(default=None)} if self.has_id else {}) | dict(self.special)
        return {name: found.pop(name) for name in _FIRST if name in found} | found

    @cached_property
    def plain(self) -> dict[str, TypedField]:
        """The properties that are columns of the model."""
        return {name: field for name, field in self.properties.items() if field.source is not None}

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """The value of each property that is left out, `rest_framework.fields.empty` if it is required."""
        return {name: empty if one.default is empty else one.get_default() for name, one in self.properties.items()}

    @property
    def model(self) -> Any:
        return self.serializer.Meta.model  # type: ignore[attr-defined]

    def property_of(self, model_field: str) -> str:
        """The property that a rule for `model_field` concerns; "" if there is none."""
        special = {"secret_digest": "secretDigest", "pepper_id": "secretDigest", "script": "script"}
        columns = {column: name for name, field in self.plain.items() for column in field.columns()}
        return (special | columns).get(model_field, "")

    def content(self, instance: Any) -> dict[str, Any]:
        """The plain properties of a stored object."""
        return {name: field.value_of(instance) for name, field in self.plain.items()}

    def written(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """An entry of these values as it stands in a file: in order, without what has its default."""
        defaults = self.defaults
        if self is DEFINITIONS:
            defaults = defaults | {"inputType": default_input_type(values["actionType"])}
        return {name: values[name] for name in defaults if name in values and values[name] != defaults[name]}


def read(field: TypedField, node: YamlNode) -> Any:
    """The value of a property as JSON has it.

    Raises:
        NodeError: it is of another type; with the faults of all its parts.
    """
    match field, node.value:
        case StrictSerializer(), dict(members):
            # The rule of a rate limit would only say that a number is missing.
            if members.keys() != field.properties.keys():
                raise NodeError((node.line, f"must have exactly {', '.join(field.properties)}"))
            parts = ((field.properties[name], member) for name, member in members.items())
            return dict(zip(members, _read_all(parts), strict=True))
        case LibraryVersions(), dict(members):
            return dict(zip(members, _read_all((field.child, member) for member in members.values()), strict=True))
        case ListOf(), list(items):
            child: Any = field.child
            return _read_all((child, item) for item in items)
    try:
        field.run_validation(node.value)
    except serializers.ValidationError as error:
        could_be_quoted = field.expects == Text.expects and not isinstance(node.value, dict | list | None)
        hint = ": put it in quotes" if could_be_quoted else ""
        raise NodeError((node.line, f"must be {field.expects}{hint}")) from error
    return node.value


def _read_all(parts: Iterable[tuple[TypedField, YamlNode]]) -> list[Any]:
    values: list[Any] = []
    faults: list[Located] = []
    for field, node in parts:
        try:
            values.append(read(field, node))
        except NodeError as error:
            faults += error.args
    if faults:
        raise NodeError(*faults)
    return values


class FileId(Id):
    """Only in lower case, so that an id is spelled alike in all files."""

    expects = "an id in lower case, such as 2faa728c-218d-4139-8aa1-8f033c60dd07"

    def to_internal_value(self, data: Any) -> UUID:
        found = super().to_internal_value(data)
        if str(found) != data:
            raise serializers.ValidationError(self.expects)
        return found


class VersionNumber(Number):
    """The number of a version; the largest leaves room for all the saves that follow."""

    expects = "the number of a version"

    def to_internal_value(self, data: Any) -> int:
        number = super().to_internal_value(data)
        if not 0 < number <= _LARGEST_NUMBER:
            raise serializers.ValidationError(self.expects)
        return number


class VersionOfLibrary(VersionNumber):
    """The version of a library that a script uses: `NUMBER` or `NAME@NUMBER`."""

    def to_internal_value(self, data: Any) -> LibraryVersion:  # type: ignore[override]
        is_named = isinstance(data, str) and _AT_VERSION.fullmatch(data)
        return str(data) if is_named else super().to_internal_value(data)


class LibraryVersions(TypedField):
    """Versions of libraries, by the name that a source imports."""

    expects = "versions by library (name: number)"
    child = VersionOfLibrary()

    def to_internal_value(self, data: Any) -> Any:
        raise serializers.ValidationError(self.expects)


class Digest(StrictSerializer):
    """The digest of a secret, for an installation with the same pepper."""

    pepperId = Number()
    pepperCheck = Text()
    value = Text()


SCRIPTS: Final = DocumentKind(
    "script",
    ScriptSerializer,
    ("id", "name"),
    # The entries of versions are read like those of sections.
    {
        "libraries": LibraryVersions(default=dict),
        "lock": Text(default=None),
        "versions": ListOf(child=Text(), default=list),
    },
)
VERSIONS: Final = DocumentKind(
    "version",
    ScriptSerializer,
    ("number",),
    {
        "number": VersionNumber(min_value=1, max_value=_LARGEST_NUMBER),
        "libraries": LibraryVersions(default=dict),
        "lock": Text(default=None),
    },
    frozenset({"name", "description"}),
    has_id=False,
)
TOKENS: Final = DocumentKind(
    "token", TokenSerializer, ("id", "name", "key"), {"key": Text(default=None), "secretDigest": Digest(default=None)}
)
CREDENTIALS: Final = DocumentKind(
    "credential",
    CredentialSerializer,
    ("id", "name"),
    {"allowedScripts": ListOf(child=Text(), default=list)},
    frozenset({"allowedScripts"}),
)
DEFINITIONS: Final = DocumentKind(
    "definition",
    DefinitionSerializer,
    ("id", "route"),
    {
        "script": Text(),
        "scriptVersion": VersionNumber(
            default=None, allow_null=True, min_value=1, max_value=_LARGEST_NUMBER, source="script_version"
        ),
        # The default depends on the action type.
        "inputType": Choice(InputType.values, default=None, source="input_type"),
        "allowedTokens": ListOf(child=Text(), default=list),
    },
    frozenset({"securitySettings", "actionMeta"}),
)
KINDS: Final = (SCRIPTS, TOKENS, CREDENTIALS, DEFINITIONS)

"""What a file says of each kind of object: the properties of its serializer, and those that are special to files.

A new plain property of a serializer needs no line here. Special are ids and keys, references by name or key instead of
by id, and digests.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from rest_framework import serializers
from rest_framework.fields import empty

from access.policy import DEFINITION, SCRIPT, TOKEN
from as_code.yaml_format import Located, Node, NodeError
from automation.serializers import ScriptSerializer
from definitions.models import InputType
from definitions.serializers import DefinitionSerializer, default_input_type
from objects.serializers import AuthoredSerializer, Choice, Id, ListOf, Number, StrictSerializer, Text, TypedField
from tokens.serializers import TokenSerializer

_FIRST: Final = ("id", "name", "key")


@dataclass(frozen=True, eq=False)
class DocumentKind:
    """A kind of object: its section in the files, its name in messages and in the policy, and its properties."""

    section: str
    noun: str
    label: str
    serializer: type[AuthoredSerializer]
    special: StrictSerializer
    """The properties that only files have, and those that files have in another form."""
    identity: frozenset[str]
    """The properties that say which object an entry describes."""
    left_out: frozenset[str] = frozenset()
    """Properties of `serializer` that files have in another form."""

    @cached_property
    def properties(self) -> dict[str, TypedField]:
        """In the order of an export."""
        content = {name: field for name, field in self.serializer.content().items() if name not in self.left_out}
        found = content | dict(self.special.properties)
        return {name: found.pop(name) for name in _FIRST if name in found} | found

    @cached_property
    def plain(self) -> dict[str, TypedField]:
        """The properties that are columns of the model."""
        return {name: field for name, field in self.properties.items() if field.is_column}

    @property
    def model(self) -> Any:
        return self.serializer.Meta.model  # type: ignore[attr-defined]

    def property_of(self, model_field: str) -> str:
        """The property that a rule about `model_field` is about, "" if there is none."""
        special = {"secret_digest": "secretDigest", "pepper_id": "secretDigest", "script": "script"}
        columns = {column: name for name, field in self.plain.items() for column in _columns(field)}
        return (special | columns).get(model_field, "")

    def content(self, instance: Any) -> dict[str, Any]:
        """The plain properties of a stored object."""
        return {name: field.value_of(instance) for name, field in self.plain.items()}

    def title(self, instance: Any) -> str:
        """What people call a stored object: its route or its name."""
        return str(instance.route if self is DEFINITIONS else instance.name)

    def written(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """An entry of these values as it stands in a file: in order, without what has its default."""
        defaults = {name: default_of(field) for name, field in self.properties.items()}
        if self is DEFINITIONS:
            defaults["inputType"] = default_input_type(values["actionType"])
        return {name: values[name] for name in defaults if name in values and values[name] != defaults[name]}


def default_of(field: TypedField) -> Any:
    """The value of a property that is left out, `rest_framework.fields.empty` if it is required."""
    return empty if field.default is empty else field.get_default()


def _columns(field: TypedField) -> list[str]:
    return field.columns() if isinstance(field, StrictSerializer) else [str(field.source)]


def read(field: TypedField, node: Node) -> Any:
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


def _read_all(parts: Iterable[tuple[TypedField, Node]]) -> list[Any]:
    values: list[Any] = []
    faults: list[Located] = []
    for field, node in parts:
        try:
            values.append(read(field, node))
        except NodeError as error:
            faults += error.faults
    if faults:
        raise NodeError(*faults)
    return values


class FileId(Id):
    """Only in lower case, so that an id is spelled alike in all files."""

    expects = "an id in lower case, such as 2faa728c-218d-4139-8aa1-8f033c60dd07"
    is_column = False

    def to_internal_value(self, data: Any) -> UUID:
        found = super().to_internal_value(data)
        if str(found) != data:
            raise serializers.ValidationError(self.expects)
        return found


class Reference(Text):
    """What entries call an object."""

    is_column = False


class References(ListOf):
    """What entries call several objects."""

    is_column = False


class Digest(StrictSerializer):
    """The digest of a secret, for an installation with the same pepper."""

    is_column = False

    pepperId = Number()
    pepperCheck = Text()
    value = Text()


class FileProperties(StrictSerializer):
    """What every entry has."""

    id = FileId(default=None)


class TokenFileProperties(FileProperties):
    """What only files say of a token."""

    key = Reference(default=None)
    secretDigest = Digest(default=None)


class DefinitionFileProperties(FileProperties):
    """What files say in another form of a definition. The default of `inputType` depends on the action type."""

    script = Reference()
    inputType = Choice(InputType.values, default=None)
    allowedTokens = References(child=Text(), default=list)


SCRIPTS: Final = DocumentKind(
    "scripts", "script", SCRIPT, ScriptSerializer, FileProperties(), frozenset({"id", "name"})
)
TOKENS: Final = DocumentKind(
    "tokens", "token", TOKEN, TokenSerializer, TokenFileProperties(), frozenset({"id", "name", "key"})
)
DEFINITIONS: Final = DocumentKind(
    "definitions",
    "definition",
    DEFINITION,
    DefinitionSerializer,
    DefinitionFileProperties(),
    frozenset({"id", "route"}),
    frozenset({"securitySettings", "actionMeta"}),
)
KINDS: Final = (SCRIPTS, TOKENS, DEFINITIONS)

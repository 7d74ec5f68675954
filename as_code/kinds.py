"""What stands in a file about each kind of object: one line a property.

A property with a `column` goes straight to that column of the model; the others (ids, sources, references, digests)
are handled where their meaning is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from uuid import UUID

import yaml

from access.policy import DEFINITION, SCRIPT, TOKEN
from as_code import nodes
from automation.models import DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_SECONDS, AutomationScript, Reuse
from definitions.models import ActionType, ApiDefinition, InputType
from objects.authorship import AuthoredModel
from tokens.models import ApiToken

REQUIRED: Final = object()


@dataclass(frozen=True)
class Property:
    """A property of an object in a file: how its value is read, what it is when left out, and its column."""

    name: str
    read: nodes.Read
    default: Any = REQUIRED
    column: str = ""

    def of(self, instance: Any) -> Any:
        """Its value in a stored object."""
        return getattr(instance, self.column)

    def put(self, instance: Any, value: Any) -> None:
        """Take over a value from a file."""
        setattr(instance, self.column, value)


class RateLimitProperty(Property):
    """A mapping in the file, two columns in the database."""

    def of(self, instance: Any) -> Any:
        """Both numbers, or None."""
        if instance.rate_limit is None:
            return None
        return {"limit": instance.rate_limit, "windowSeconds": instance.rate_window_seconds}

    def put(self, instance: Any, value: Any) -> None:
        """Both numbers, or neither."""
        numbers = value or {}
        instance.rate_limit, instance.rate_window_seconds = numbers.get("limit"), numbers.get("windowSeconds")


@dataclass(frozen=True)
class DocumentKind:
    """A kind of object: its section in the files, its name in the policy, its model and its properties."""

    section: str
    noun: str
    label: str
    model: type[AuthoredModel]
    properties: tuple[Property, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    """Model field → property, where a rule's error names another than its column."""

    @cached_property
    def by_name(self) -> dict[str, Property]:
        """The properties by name."""
        return {one.name: one for one in self.properties}

    @cached_property
    def plain(self) -> tuple[Property, ...]:
        """The properties with a column."""
        return tuple(one for one in self.properties if one.column)

    def property_of(self, model_field: str) -> str:
        """The property that an error about `model_field` is about."""
        columns = {one.column: one.name for one in self.plain}
        return self.fields.get(model_field) or columns.get(model_field, "")

    def content(self, instance: AuthoredModel) -> dict[str, Any]:
        """The plain properties of a stored object."""
        return {one.name: one.of(instance) for one in self.plain}


def _uuid(node: yaml.Node) -> UUID:
    value = nodes.text(node)
    try:
        found = UUID(value)
    except ValueError as error:
        raise nodes.NodeError(node, "must be an id such as 2faa728c-218d-4139-8aa1-8f033c60dd07") from error
    if str(found) != value:
        raise nodes.NodeError(node, f"must be written as {found}")
    return found


def _mapping(node: yaml.Node, **reads: nodes.Read) -> dict[str, Any]:
    """A mapping that has exactly these members."""

    def refuse(line: int, message: str) -> None:
        raise nodes.NodeError(node, message)

    found = nodes.members(node, refuse)
    if found.keys() != reads.keys():
        raise nodes.NodeError(node, f"must have exactly {', '.join(reads)}")
    return {name: read(found[name][1]) for name, read in reads.items()}


def _rate_limit(node: yaml.Node) -> dict[str, Any] | None:
    if nodes.is_null(node):
        return None
    return _mapping(node, limit=nodes.whole_number, windowSeconds=nodes.whole_number)


def _digest(node: yaml.Node) -> dict[str, Any]:
    return _mapping(node, pepperId=nodes.whole_number, pepperCheck=nodes.text, value=nodes.text)


_ID: Final = Property("id", _uuid, None)

SCRIPTS: Final = DocumentKind(
    "scripts",
    "script",
    SCRIPT,
    AutomationScript,
    (
        _ID,
        Property("name", nodes.text, column="name"),
        Property("description", nodes.text, "", column="description"),
        Property("source", nodes.text, column="source"),
        Property("parameters", nodes.texts, [], column="parameters"),
        Property("timeoutSeconds", nodes.whole_number, DEFAULT_TIMEOUT_SECONDS, column="timeout_seconds"),
        Property("memoryLimitMb", nodes.whole_number, DEFAULT_MEMORY_MB, column="memory_limit_mb"),
        Property("reuse", nodes.text, str(Reuse.WARM), column="reuse"),
    ),
)
TOKENS: Final = DocumentKind(
    "tokens",
    "token",
    TOKEN,
    ApiToken,
    (
        _ID,
        Property("name", nodes.text, column="name"),
        Property("key", nodes.text, None),
        Property("isDisabled", nodes.flag, False, column="is_disabled"),
        RateLimitProperty("rateLimit", _rate_limit, None, column="rate_limit"),
        Property("secretDigest", _digest, None),
    ),
    {"secret_digest": "secretDigest"},
)
DEFINITIONS: Final = DocumentKind(
    "definitions",
    "definition",
    DEFINITION,
    ApiDefinition,
    (
        _ID,
        Property("name", nodes.text, "", column="name"),
        Property("description", nodes.text, "", column="description"),
        Property("route", nodes.text, column="route"),
        Property("actionType", nodes.text, str(ActionType.AUTOMATION_SCRIPT), column="action_type"),
        Property("script", nodes.text),
        Property("inputType", nodes.text, None, column="input_type"),
        Property("allowedTokens", nodes.texts, []),
    ),
    {"script": "script"},
)
KINDS: Final = (SCRIPTS, TOKENS, DEFINITIONS)


def default_input_type(action_type: str) -> str:
    """The input type of a definition that names none."""
    return "" if action_type == ActionType.NO_ENTRY_POINT else str(InputType.RAW_BODY)

"""What is stored, as an import compares with it and an export writes it down."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from as_code.kinds import DEFINITIONS, SCRIPTS, TOKENS, DocumentKind
from automation.models import AutomationScript
from definitions.models import AllowedToken, ApiDefinition
from objects.authorship import AuthoredModel
from tokens.models import ApiToken

SHORT = 8


@dataclass(frozen=True)
class Stored:
    """All objects at one moment."""

    scripts: Sequence[AutomationScript]
    tokens: Sequence[ApiToken]
    definitions: Sequence[ApiDefinition]
    allowed: Mapping[UUID, frozenset[UUID]]
    """The tokens of each definition."""

    def of(self, kind: DocumentKind) -> Sequence[AuthoredModel]:
        """The objects of one kind."""
        by_section: dict[str, Sequence[AuthoredModel]] = {
            SCRIPTS.section: self.scripts,
            TOKENS.section: self.tokens,
            DEFINITIONS.section: self.definitions,
        }
        return by_section[kind.section]


def read() -> Stored:
    """Read everything, and hold it against other writers until the caller's transaction ends.

    Definitions are held first: as long as they are, neither their tokens nor their scripts can go. That is also the
    order in which a single save takes its locks.
    """
    definitions = _held(ApiDefinition)
    allowed: dict[UUID, set[UUID]] = {}
    for definition_id, token_id in AllowedToken.objects.order_by().values_list("definition", "token"):
        allowed.setdefault(definition_id, set()).add(token_id)
    scripts = sorted(_held(AutomationScript), key=lambda script: script.name)
    return Stored(
        scripts,
        sorted(_held(ApiToken), key=lambda token: (token.name, str(token.pk))),
        sorted(definitions, key=lambda definition: definition.route),
        {definition_id: frozenset(tokens) for definition_id, tokens in allowed.items()},
    )


def _held(model: type[Any]) -> list[Any]:
    return list(model.objects.select_for_update().order_by("pk"))


def token_keys(tokens: Iterable[ApiToken]) -> dict[UUID, str]:
    """What definitions in a file call each token: its name, or where several have it, the name and a part of the id."""
    names = {token.pk: token.name for token in tokens}
    count = Counter(names.values())
    keys = {pk: name for pk, name in names.items() if count[name] == 1}
    taken = set(names.values())
    for pk, name in sorted(names.items()):
        if pk not in keys:
            keys[pk] = _free_key(name, pk.hex, taken)
            taken.add(keys[pk])
    return keys


def _free_key(name: str, digits: str, taken: set[str]) -> str:
    short, long = f"{name} #{digits[:SHORT]}", f"{name} #{digits}"
    key = long if short in taken else short
    while key in taken:
        key += "#"
    return key

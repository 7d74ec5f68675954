"""What versions need of Python and of the package index, as their blocks say it."""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final, Self

from django.conf import settings
from django.utils.translation import gettext as _
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from automation.source import Block
from foundation.python_specifiers import lowest, release
from foundation.texts import is_storable

LONGEST_PYTHONS: Final = 200
"""How long the specifiers of Python can be, of all sources together."""

_LONGEST_QUOTE: Final = 100
# What packaging raises on texts that it cannot read, on numbers that Python refuses, and on deep nesting.
_UNREADABLE = (ValueError, RecursionError)


class RequirementError(Exception):
    """A dependency or a version of Python that cannot be asked for; `line` is None if several sources ask for it."""

    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


@dataclass(frozen=True)
class Requirements:
    """What a version needs: specifiers of Python, and dependencies; normalised, sorted, none twice."""

    requires_python: str = ""
    dependencies: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.requires_python or self.dependencies)

    @property
    def digest(self) -> str:
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        return {"requires_python": self.requires_python, "dependencies": list(self.dependencies)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        return cls(value["requires_python"], tuple(value["dependencies"]))


def allowed_names() -> frozenset[str] | None:
    """The normalised names of the packages that scripts may have; None if they may have any."""
    return frozenset(settings.UDAPI_PACKAGES_ALLOWED) or None


def check(block: Block, allowed: Collection[str] | None) -> None:
    """Refuse a block with anything but names, versions, extras and markers of packages with `allowed` names.

    Raises:
        RequirementError: with the line.
    """
    for line, text in block.dependencies:
        name = _read(line, text).name
        if allowed is not None and name not in allowed:
            raise RequirementError(line, _("The package {} is not one of those that scripts may have.").format(name))
    _refuse_pythons(_specifiers(block), block.line)


def combined(blocks: Iterable[Block]) -> Requirements:
    """What all these blocks ask for together.

    Raises:
        RequirementError: one of them cannot be read, or no version of Python suits all of them.
    """
    found = list(blocks)
    pythons = SpecifierSet(",".join(sorted({str(each) for block in found for each in _specifiers(block)})))
    _refuse_pythons(pythons, None)
    dependencies = {str(_read(line, text)) for block in found for line, text in block.dependencies}
    return Requirements(str(pythons), tuple(sorted(dependencies)))


def names(requirements: Requirements) -> frozenset[str]:
    """The normalised names of the packages that it asks for."""
    return frozenset(Requirement(text).name for text in requirements.dependencies)


def _read(line: int, text: str) -> Requirement:
    """A dependency with its normalised name."""
    quoted = text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"
    if not text.isprintable() or not is_storable(text):
        raise RequirementError(line, _("A dependency has a character that cannot be printed."))
    if text.strip().startswith("-"):
        raise RequirementError(line, _("A dependency is not an option: {}.").format(quoted))
    if _is_address(text):
        # Not quoted: an address may have a password.
        raise RequirementError(line, _("A dependency is a name with versions, not a file or an address."))
    try:
        found = Requirement(text)
        found.name = canonicalize_name(found.name, validate=True)
        found.extras = {canonicalize_name(extra, validate=True) for extra in found.extras}
        for each in found.specifier:
            release(each)
    except _UNREADABLE as error:
        reason = str(error).partition("\n")[0]
        message = _("“{}” is not a dependency, such as httpx>=0.27: {}.").format(quoted, reason)
        raise RequirementError(line, message) from error
    return found


def _is_address(text: str) -> bool:
    start = text.partition(";")[0]
    return any(sign in start for sign in "@/\\:") or start.strip().startswith((".", "~"))


def _specifiers(block: Block) -> SpecifierSet:
    try:
        found = SpecifierSet(block.requires_python)
        for each in found:
            release(each)
    except _UNREADABLE as error:
        message = _("requires-python is one or more versions, such as >=3.11 or >=3.11,<3.14.")
        raise RequirementError(block.line, message) from error
    return found


def _refuse_pythons(specifiers: SpecifierSet, line: int | None) -> None:
    if len(str(specifiers)) > LONGEST_PYTHONS:
        rule = _("requires-python has at most {} characters, together with that of libraries.")
        raise RequirementError(line, rule.format(LONGEST_PYTHONS))
    if lowest(specifiers) is None:
        rule = _("No version of Python from 3.11 on is {}, as requires-python says.")
        raise RequirementError(line, rule.format(specifiers))

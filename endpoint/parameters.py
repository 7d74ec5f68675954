"""Parameters from a body: a flat JSON object, each value as text.

One pass over the bytes finds the members one by one and builds nothing else. A JSON parser would build nested values
before they could be refused: 30 MB of `[0,0,…` took 1.9 GB.
"""

import json
import math
import re
from collections.abc import Iterator

from endpoint import errors

MOST_PARAMETERS = 10_000

# Atomic groups and possessive repeats: otherwise `re` would remember each step, 150 bytes for each byte of the body.
_SPACE = rb"[ \t\n\r]*+"
_STRING = rb'"(?>[^"\\]+|\\.)*+"'
# The optional parts are not possessive: until Python 3.11.5, `(?:…)?+` keeps what a failed one has read (`1.`).
_NUMBER = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
_NAME = _SPACE + rb"(?P<name>" + _STRING + rb")" + _SPACE + rb":" + _SPACE
_VALUE = rb"(?:(?P<text>" + _STRING + rb")|(?P<number>" + _NUMBER + rb")|(?P<word>true|false|null))"

_BEGINNING = re.compile(_SPACE + rb"\{(?:" + _SPACE + rb"(?P<end>\}))?")
_MEMBER = re.compile(_NAME + _VALUE + _SPACE + rb"(?P<end>[,}])", re.DOTALL)
_NESTED = re.compile(_NAME + rb"[\[{]", re.DOTALL)
_REST = re.compile(_SPACE)


def from_body(body: bytes) -> dict[str, str]:
    """Name → value; strings stay, a number keeps its text, `true`/`false`, null counts as missing.

    Raises:
        BodyToParametersConversionFailedError: anything but a JSON object with at most 10,000 scalar values.
    """
    names: set[str] = set()
    values: dict[str, str] = {}
    for member in _members(body) if body else ():
        name = _text(member["name"])
        if name in names:
            raise errors.BodyToParametersConversionFailedError("a key is given twice")
        names.add(name)
        if len(names) > MOST_PARAMETERS:
            raise errors.BodyToParametersConversionFailedError(f"more than {MOST_PARAMETERS} parameters")
        if (value := _value(member)) is not None:
            values[name] = value
    return values


def _members(body: bytes) -> Iterator[re.Match[bytes]]:
    found = _BEGINNING.match(body)
    if found is None:
        raise errors.BodyToParametersConversionFailedError("not an object")
    while found["end"] != b"}":
        position = found.end()
        found = _MEMBER.match(body, position)
        if found is None:
            fault = "a value is nested" if _NESTED.match(body, position) else "no name with a value"
            raise errors.BodyToParametersConversionFailedError(f"{fault} at byte {position}")
        yield found
    if not _REST.fullmatch(body, found.end()):
        raise errors.BodyToParametersConversionFailedError(f"more than an object at byte {found.end()}")


def _value(member: re.Match[bytes]) -> str | None:
    if (string := member["text"]) is not None:
        return _text(string)
    if (number := member["number"]) is not None:
        return _number(number.decode())
    word = str(member["word"].decode())
    return None if word == "null" else word


def _text(string: bytes) -> str:
    """The text of a JSON string. One with half of a surrogate pair is refused."""
    try:
        text = str(json.loads(string.decode()))
        text.encode()
    except ValueError as error:
        raise errors.BodyToParametersConversionFailedError(str(error)) from error
    return text


def _number(text: str) -> str:
    if not math.isfinite(float(text)):
        raise errors.BodyToParametersConversionFailedError("a number is out of range")
    return text

"""Parameters from a body by Python's own JSON decoder, to compare the scanner with."""

import json
import math
from typing import Any

from endpoint import errors


class _Number(str):
    """A number's text as it was sent."""

    __slots__ = ()


def from_body(body: bytes) -> dict[str, str]:
    """Name → value; strings stay, a number keeps its text, `true`/`false`, null counts as missing.

    Raises:
        BodyToParametersConversionFailedError: anything but a JSON object with scalar values.
    """
    if not body:
        return {}
    try:
        value = _decoder.decode(body.decode())
    except (ValueError, RecursionError) as error:
        raise errors.BodyToParametersConversionFailedError(str(error)) from error
    if not isinstance(value, dict):
        raise errors.BodyToParametersConversionFailedError("not an object")
    return {name: _text(item) for name, item in value.items() if item is not None}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        raise errors.BodyToParametersConversionFailedError("a value is nested")
    return _encodable(str(value))


def _encodable(text: str) -> str:
    """JSON can spell half of a surrogate pair, which is not a character."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise errors.BodyToParametersConversionFailedError("a lone surrogate") from error
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = {_encodable(name) for name, _ in pairs}
    if len(names) != len(pairs):
        raise errors.BodyToParametersConversionFailedError("a key is given twice")
    return dict(pairs)


def _number(text: str) -> _Number:
    if not math.isfinite(float(text)):
        raise errors.BodyToParametersConversionFailedError("a number is out of range")
    return _Number(text)


def _refuse_constant(name: str) -> None:
    raise errors.BodyToParametersConversionFailedError(f"{name} is no JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_number,
    parse_float=_number,
    parse_constant=_refuse_constant,
)

"""Values as JSON, for `ApiTriggerOutput.json`. Errors name the place, never the value, which may be a secret."""

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Any, Final

Place = tuple[str | int, ...]
"""The way to a value: keys and indexes."""

# Made once: `int | float` in a call makes a new union each time.
_NUMBERS: Final = (int, float)
_SEQUENCES: Final = (list, tuple)
_CONTAINERS: Final = (dict, *_SEQUENCES)
# Python writes ints of up to 4,300 digits.
_MOST_BITS: Final = 14_000


def json_text(value: object) -> str:
    """The JSON of `value`. Raises TypeError and ValueError, as `ApiTriggerOutput.json` says."""
    try:
        return json.dumps(_Conversion().plain(value, ()), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except RecursionError:
        raise ValueError("$ is nested too deeply for JSON.") from None


class _Conversion:
    """Makes a value of what `json` knows; notes which values it is in the middle of, to find one within itself."""

    def __init__(self) -> None:
        self._open: set[int] = set()

    def plain(self, value: Any, place: Place) -> object:
        """`value` of dicts with text keys, lists, text, finite numbers, bools and None."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Enum):
            return self.plain(value.value, place)
        if isinstance(value, str):
            return _text(value, place)
        if isinstance(value, _NUMBERS):
            return _number(value, place)
        # The commonest first: to find a writer takes a look at all base classes.
        if not isinstance(value, _CONTAINERS) and (writer := _writer(value)):
            return writer(value, place)
        if id(value) in self._open:
            raise ValueError(f"{_path(place)} contains itself.")
        self._open.add(id(value))
        try:
            return self._container(value, place)
        finally:
            self._open.remove(id(value))

    def _container(self, value: Any, place: Place) -> object:
        if isinstance(value, dict):
            return self._members(value.items(), place)
        if isinstance(value, _SEQUENCES):
            return [self.plain(item, (*place, index)) for index, item in enumerate(value)]
        if callable(getattr(type(value), "model_dump", None)):
            return self.plain(value.model_dump(mode="json"), place)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = (field.name for field in dataclasses.fields(value))
            return self._members(((name, getattr(value, name)) for name in fields), place)
        raise TypeError(f"{_path(place)} is of the type {type(value).__name__}, which JSON cannot express.")

    def _members(self, items: Iterable[tuple[object, object]], place: Place) -> dict[str, object]:
        members: dict[str, object] = {}
        for key, value in items:
            name = _name(key, place)
            if name in members:
                raise ValueError(f"{_path((*place, name))} exists twice: two keys have the same text.")
            members[name] = self.plain(value, (*place, name))
        return members


def _name(key: Any, place: Place) -> str:
    """The text of a key."""
    if isinstance(key, Enum):
        return _name(key.value, place)
    if isinstance(key, str):
        return _text(key, place)
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int):
        return str(_number(key, place))
    if writer := _writer(key):
        return writer(key, place)
    raise TypeError(f"{_path(place)} has a key of the type {type(key).__name__}, which JSON cannot express.")


def _text(value: str, place: Place) -> str:
    try:
        if not value.isascii():
            value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{_path(place)} contains a lone surrogate, which JSON cannot express.") from None
    return value


def _number(value: float, place: Place) -> float:
    if isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            raise ValueError(f"{_path(place)} is an int of too many digits.")
    elif not math.isfinite(value):
        raise ValueError(f"{_path(place)} is not a finite number, which JSON cannot express.")
    return value


def _writer(value: object) -> Callable[[Any, Place], str] | None:
    names = (f"{each.__module__}.{each.__qualname__}" for each in type(value).__mro__)
    return next((_WRITERS[name] for name in names if name in _WRITERS), None)


def _moment(value: Any, place: Place) -> str:
    written: str = value.isoformat()
    return f"{written[:-6]}Z" if written.endswith("+00:00") else written


def _decimal(value: Any, place: Place) -> str:
    if not value.is_finite():
        raise ValueError(f"{_path(place)} is not a finite number, which JSON cannot express.")
    return str(value)


def _uuid(value: Any, place: Place) -> str:
    return str(value)


# By name: a script that uses none of these types does not import their modules.
_WRITERS: Final[Mapping[str, Callable[[Any, Place], str]]] = {
    "datetime.datetime": _moment,
    "datetime.date": _moment,
    "datetime.time": _moment,
    "decimal.Decimal": _decimal,
    "uuid.UUID": _uuid,
}


def _path(place: Place) -> str:
    """`$.items[0].x`; `$["a b"]` for a key that is no identifier."""
    return "$" + "".join(f".{key}" if str(key).isidentifier() else f"[{json.dumps(key)}]" for key in place)

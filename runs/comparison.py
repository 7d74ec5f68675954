"""What differs between two runs. The work is bounded, whatever they have logged and answered."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice, zip_longest
from typing import Any, Final

from fleet.kept_bodies import KeptResponse
from runs.bodies import KeptBodies
from runs.models import Run

MOST_CHANGES: Final = 200
LONGEST_VALUE: Final = 1_000
MOST_LINES: Final = 300
"""How many lines of each text are compared, from the first one that differs."""

_STATUS: Final = {
    "status": "status",
    "responseCode": "response_code",
    "errorCode": "error_code",
    "reason": "reason",
    "message": "message",
}
_SCRIPT: Final = {"scriptName": "script_name", "scriptVersion": "script_version", "libraries": "libraries"}
_TIMES: Final = {
    "queueMilliseconds": "queue_milliseconds",
    "runMilliseconds": "run_milliseconds",
    "totalMilliseconds": "total_milliseconds",
}


@dataclass(frozen=True)
class RunDifference:
    """One value that differs. `path` is the name of a property or header, or a JSON pointer.

    A value of JSON is its text, cut. `first` or `second` is None if that run has no such value.
    """

    path: str
    first: str | None
    second: str | None


@dataclass(frozen=True)
class RunDifferences:
    """What differs between two texts or values. `lines` begin with `-`, `+` or a space, as in a unified diff.

    `is_cut`: there may be more.
    """

    values: Sequence[RunDifference] = ()
    lines: Sequence[str] = ()
    is_cut: bool = False

    @property
    def are_none(self) -> bool:
        return not (self.values or self.lines or self.is_cut)


@dataclass(frozen=True)
class RunComparison:
    """What differs between two runs. Headers and body are None if they cannot be compared.

    `times` are those of both, whether they differ or not. Masked values count as the same.
    """

    status: RunDifferences
    script: RunDifferences
    headers: RunDifferences | None
    body: RunDifferences | None
    log: RunDifferences
    times: Sequence[RunDifference]

    @property
    def are_same(self) -> bool:
        """Whether both ended in the same way, as far as that can be compared; times do not count."""
        return all(part is None or part.are_none for part in (self.status, self.headers, self.body, self.log))


def compare(
    first: Run, second: Run, logs: tuple[Sequence[str], Sequence[str]], bodies: Sequence[KeptBodies | None] = ()
) -> RunComparison:
    """Compare two runs with the lines of their logs, without times; and with their bodies, if both are there."""
    responses = [kept.response for kept in bodies if kept is not None and kept.response is not None]
    headers, body = _responses(*responses) if len(responses) == len((first, second)) else (None, None)
    times = [
        RunDifference(name, _text(getattr(first, column)), _text(getattr(second, column)))
        for name, column in _TIMES.items()
    ]
    return RunComparison(
        status=_properties(first, second, _STATUS),
        script=_properties(first, second, _SCRIPT),
        headers=headers,
        body=body,
        log=changed_lines(*logs),
        times=times,
    )


def _properties(first: Run, second: Run, names: Mapping[str, str]) -> RunDifferences:
    pairs = ((name, _text(getattr(first, column)), _text(getattr(second, column))) for name, column in names.items())
    return RunDifferences([RunDifference(name, _cut(one), _cut(other)) for name, one, other in pairs if one != other])


def _responses(first: KeptResponse, second: KeptResponse) -> tuple[RunDifferences, RunDifferences]:
    one, other = _headers(first), _headers(second)
    names = sorted(one.keys() | other.keys())
    changed = [
        RunDifference(name, _cut(one.get(name)), _cut(other.get(name)))
        for name in names
        if one.get(name) != other.get(name)
    ]
    return RunDifferences(changed[:MOST_CHANGES], is_cut=len(changed) > MOST_CHANGES), _bodies(first, second)


def _headers(response: KeptResponse) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for name, values in response.headers.items():
        found.setdefault(name.title(), []).extend(values)
    return {name: ", ".join(values) for name, values in found.items()}


def _bodies(first: KeptResponse, second: KeptResponse) -> RunDifferences:
    is_cut = first.is_cut or second.is_cut
    if first.body is None or second.body is None:
        are_same = (first.body, first.binary) == (second.body, second.binary)
        sizes = [f"{len(each.binary or (each.body or '').encode())} bytes" for each in (first, second)]
        return RunDifferences([] if are_same else [RunDifference("", *sizes)], is_cut=is_cut)
    try:
        changes = changed_values(_parsed(first.body), _parsed(second.body))
    except (ValueError, RecursionError):
        changes = changed_lines(first.body.split("\n"), second.body.split("\n"))
    return RunDifferences(changes.values, changes.lines, changes.is_cut or is_cut)


def _parsed(text: str) -> Any:
    """Raises ValueError or RecursionError if it is not JSON, or has more digits or brackets than Python reads."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


# --- JSON ---

_MISSING: Final = object()


def changed_values(first: Any, second: Any) -> RunDifferences:
    """The differences of two parsed texts of JSON; each path is a JSON pointer, that of an array's item its index.

    Raises:
        RecursionError: they are nested too deeply.
    """
    found = list(islice(_differences(first, second), MOST_CHANGES + 1))
    return RunDifferences(found[:MOST_CHANGES], is_cut=len(found) > MOST_CHANGES)


def _differences(first: Any, second: Any) -> Iterator[RunDifference]:
    pending = [("", first, second)]
    while pending:
        path, one, other = pending.pop()
        if isinstance(one, dict) and isinstance(other, dict):
            members = [(_escaped(key), one.get(key, _MISSING), other.get(key, _MISSING)) for key in one | other]
        elif isinstance(one, list) and isinstance(other, list):
            members = _items(one, other)
        else:
            if type(one) is not type(other) or one != other:
                yield RunDifference(path, _json(one), _json(other))
            continue
        pending += [(f"{path}/{name}", *values) for name, *values in reversed(members)]


def _items(first: list[Any], second: list[Any]) -> list[tuple[str, Any, Any]]:
    """Pairs of items that may differ. Of arrays with different lengths, those between a common beginning and end."""
    start, end = 0, 0
    if len(first) != len(second):
        start, end = _common(list(map(json.dumps, first)), list(map(json.dumps, second)))
    middles = first[start : len(first) - end], second[start : len(second) - end]
    pairs = enumerate(zip_longest(*middles, fillvalue=_MISSING), start)
    return [(str(index), one, other) for index, (one, other) in pairs]


def _common(first: Sequence[Any], second: Sequence[Any]) -> tuple[int, int]:
    """How many items both have in common at their beginning, and how many of the others at their end."""
    shorter = min(len(first), len(second))
    start = next((index for index in range(shorter) if first[index] != second[index]), shorter)
    rest = shorter - start
    end = next((index for index in range(rest) if first[-1 - index] != second[-1 - index]), rest)
    return start, end


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _json(value: Any) -> str | None:
    return None if value is _MISSING else _cut(json.dumps(value, ensure_ascii=False))


# --- Texts ---


def changed_lines(first: Sequence[str], second: Sequence[str]) -> RunDifferences:
    """The lines that differ."""
    start, end = _common(first, second)
    one, other = first[start : len(first) - end], second[start : len(second) - end]
    lines = _diff(one[:MOST_LINES], other[:MOST_LINES])
    return RunDifferences(lines=lines, is_cut=max(len(one), len(other)) > MOST_LINES)


def _diff(first: Sequence[str], second: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for tag, *(from_first, to_first, from_second, to_second) in SequenceMatcher(None, first, second).get_opcodes():
        if tag == "equal":
            lines += [f" {_cut(line)}" for line in first[from_first:to_first]]
        else:
            lines += [f"-{_cut(line)}" for line in first[from_first:to_first]]
            lines += [f"+{_cut(line)}" for line in second[from_second:to_second]]
    return lines


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"

"""What differs between two runs, as JSON."""

from typing import Any

from objects.serializers import Flag, Id, ListOf, StrictSerializer, Text
from runs.comparison import RunComparison, RunDifference, RunDifferences
from runs.models import Run


class ChangeSerializer(StrictSerializer):
    """A value that differs: `first` is that of the run in the address, null if it has none."""

    path = Text(help_text="The name of a property or header; in a JSON body a JSON pointer.")
    first = Text(allow_null=True, help_text="Of a JSON body, the value as JSON, cut after 1,000 characters.")
    second = Text(allow_null=True)


class ChangesSerializer(StrictSerializer):
    """What differs; nothing if both lists are empty."""

    values = ChangeSerializer(many=True)
    lines = ListOf(child=Text(), help_text="Of texts: each line after `-`, `+` or a space, as in a unified diff.")
    isCut = Flag(help_text="Whether there may be more.")


class ComparisonSerializer(StrictSerializer):
    """Two runs beside each other. Masked values count as the same."""

    first = Id()
    second = Id()
    areSame = Flag(help_text="Whether both ended in the same way, as far as that is compared; times do not count.")
    status = ChangesSerializer()
    script = ChangesSerializer()
    headers = ChangesSerializer(allow_null=True, help_text="Null unless both responses are kept and you may read them.")
    body = ChangesSerializer(allow_null=True, help_text="Like `headers`.")
    log = ChangesSerializer()
    times = ChangeSerializer(many=True, help_text="Of both, whether they differ or not.")


def as_comparison(first: Run, second: Run, found: RunComparison) -> dict[str, Any]:
    return {
        "first": str(first.pk),
        "second": str(second.pk),
        "areSame": found.are_same,
        "status": _changes(found.status),
        "script": _changes(found.script),
        "headers": found.headers and _changes(found.headers),
        "body": found.body and _changes(found.body),
        "log": _changes(found.log),
        "times": [_change(each) for each in found.times],
    }


def _changes(found: RunDifferences) -> dict[str, Any]:
    return {"values": [_change(each) for each in found.values], "lines": list(found.lines), "isCut": found.is_cut}


def _change(found: RunDifference) -> dict[str, str | None]:
    return {"path": found.path, "first": found.first, "second": found.second}

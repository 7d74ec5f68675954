"""The runs around a run: the one that began it, or that it repeats, and its subscripts as a tree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from access.policy import AnyUser
from console.runs.rows import ShownRun, shown, shown_alone
from hosts.jobs import MAX_SUBSCRIPT_DEPTH, RunKind
from runs.models import Run

MOST_SHOWN: Final = 200


@dataclass(frozen=True)
class Branch:
    """A subscript; `depth` is 1 for those that the run itself has begun."""

    shown: ShownRun
    depth: int


@dataclass(frozen=True)
class Family:
    """The relatives of a run, as far as they are kept. `is_cut`: there are more subscripts than are shown."""

    parent: ShownRun | None
    subscripts: Sequence[Branch]
    is_cut: bool


def family_of(run: Run, user: AnyUser) -> Family:
    """The relatives of the run, in a query for each level of subscripts."""
    parent = Run.objects.filter(pk=run.parent_id).first() if run.parent_id else None
    by_parent, is_cut = _subscripts(run)
    flat = list(_branches(run.pk, by_parent, 1))
    seen = shown([found for found, _depth in flat], user)
    branches = [Branch(each, depth) for each, (_found, depth) in zip(seen, flat, strict=True)]
    return Family(shown_alone(parent, user) if parent else None, branches, is_cut)


def _subscripts(run: Run) -> tuple[Mapping[UUID, list[Run]], bool]:
    """The subscripts below the run, by what has begun them."""
    by_parent: dict[UUID, list[Run]] = {}
    level, left = [run.pk], MOST_SHOWN
    for _ in range(MAX_SUBSCRIPT_DEPTH):
        rows = Run.objects.filter(parent_id__in=level, kind=RunKind.SUBSCRIPT).order_by("id")
        found = list(rows[: left + 1])
        is_cut, found = len(found) > left, found[:left]
        for each in found:
            if each.parent_id is not None:
                by_parent.setdefault(each.parent_id, []).append(each)
        level, left = [each.pk for each in found], left - len(found)
        if is_cut or not level:
            return by_parent, is_cut
    return by_parent, False


def _branches(run_id: UUID, by_parent: Mapping[UUID, list[Run]], depth: int) -> Iterator[tuple[Run, int]]:
    """Each subscript before its own."""
    for found in by_parent.get(run_id, ()):
        yield found, depth
        yield from _branches(found.pk, by_parent, depth + 1)

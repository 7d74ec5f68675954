"""Whether a typed route is free, and which other APIs answer its paths."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Length

from definitions import routes
from definitions.models import ApiDefinition

SHOWN = 5


@dataclass
class RouteCheck:
    """What was found. With a `reason` or `in_use_by` the lists are empty."""

    route: str
    reason: str = ""
    in_use_by: ApiDefinition | None = None
    is_unchanged: bool = False
    """Whether it is the definition's own route already."""
    shadowed_by: list[ApiDefinition] = field(default_factory=list)
    shadows: list[ApiDefinition] = field(default_factory=list)


def check(route: str, own: UUID | None) -> RouteCheck:
    """Check a route; `own` is the id of the definition that has it or will get it, None for a new one."""
    found = RouteCheck(route)
    if not route:
        return found
    try:
        segments = routes.parse(route)
    except routes.InvalidRouteError as error:
        found.reason = str(error)
        return found
    others = _others(own)
    found.in_use_by = others.filter(signature=routes.signature(segments)).first()
    if found.in_use_by is None:
        found.is_unchanged = own is not None and ApiDefinition.objects.filter(pk=own, route=route).exists()
        _fill(found, segments, own)
    return found


def _fill(found: RouteCheck, segments: tuple[str, ...], own: UUID | None) -> None:
    """Find the first few definitions whose paths overlap: enough for a hint."""
    for other in _overlapping(segments, own):
        wins = routes.beats(segments, routes.parse(other.route))
        kept = found.shadows if wins else found.shadowed_by
        if len(kept) <= SHOWN:
            kept.append(other)
        if min(len(found.shadows), len(found.shadowed_by)) > SHOWN:
            return


def _overlapping(segments: tuple[str, ...], own: UUID | None) -> Iterator[ApiDefinition]:
    others = _others(own).order_by("route").annotate(depth=Length("shape")).filter(depth=len(segments))
    shape = routes.shape(segments)
    if "0" not in shape:
        # Two different static routes never match the same path.
        others = others.filter(literal_count__lt=len(segments))
    # The index on the signature narrows routes that begin with a literal segment.
    if shape[0] == "1":
        first = routes.literal(segments[0])
        others = others.filter(_begins(f"/{first}") | _begins(f"/{routes.PLACEHOLDER}"))
    for other in others.iterator():
        if routes.overlap(segments, routes.parse(other.route)):
            yield other


def _others(own: UUID | None) -> "QuerySet[ApiDefinition]":
    known = ApiDefinition.objects.only("id", "name", "route")
    return known.exclude(pk=own) if own else known


def _begins(prefix: str) -> Q:
    return Q(signature=prefix) | Q(signature__startswith=f"{prefix}/")

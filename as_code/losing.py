"""Scripts that lose an entry point in use: such an edit is allowed, but the APIs answer error 15, so it is told."""

from collections.abc import Iterator, Sequence

from as_code.actors import Actor
from as_code.kinds import DEFINITIONS, SCRIPTS
from as_code.plan import Plan, Target
from as_code.writing import on_one_line
from automation.source import has_entry_point
from definitions.models import ApiDefinition

_SHOWN = 20


def warnings(plan: Plan, actor: Actor) -> Iterator[str]:
    """A sentence for each entry point that the import takes away; to be asked when everything else is done."""
    for target in plan.changes(SCRIPTS):
        if target.changes_source:
            yield from _of_script(target, actor)


def _of_script(target: Target, actor: Actor) -> Iterator[str]:
    for action_type, entry_point in ApiDefinition.entry_points.items():
        was, is_now = (has_entry_point(values["source"], entry_point) for values in (target.was, target.entry.values))
        using = ApiDefinition.objects.filter(script=target.instance, action_type=action_type)
        routes = list(using.values_list("route", flat=True)) if was and not is_now else []
        if routes:
            script = f"the script {on_one_line(target.entry.title)} ({target.entry.source_file})"
            yield f"Warning: {script} loses {entry_point}; these answer error 15 then: {_definitions(routes, actor)}."


def _definitions(routes: Sequence[str], actor: Actor) -> str:
    if not actor.may(DEFINITIONS, "view"):
        return f"{len(routes)} definition(s)"
    more = f" and {len(routes) - _SHOWN} more" if len(routes) > _SHOWN else ""
    return f"{', '.join(routes[:_SHOWN])}{more}"

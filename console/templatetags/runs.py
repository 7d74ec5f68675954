"""Where the runs of an object are listed, and when it was last called."""

from typing import Any, Final

from django import template
from django.urls import reverse

from access.policy import DEFINITION, RUN, SCRIPT, TOKEN, allows
from automation.versions import ScriptKind
from console.run_actions.viewed import RunActions, actions_on
from console.usage.times import call_ago
from runs.models import Run

_FILTERS: Final = {DEFINITION: "definition", TOKEN: "token", SCRIPT: "script"}

register = template.Library()
register.filter(call_ago)


@register.simple_tag(takes_context=True)
def runs_of(context: Any, obj: Any) -> str:
    """The list of the runs of a definition, token or script; empty if it has none, or the user may not view runs."""
    label = obj._meta.label_lower
    if label not in _FILTERS or not allows(context["request"].user, RUN, "view"):
        return ""
    if label == SCRIPT and obj.kind == ScriptKind.LIBRARY:
        return ""
    return f"{reverse('admin:runs')}?{_FILTERS[label]}={obj.pk}"


@register.simple_tag(takes_context=True)
def repeats_of(context: Any, obj: Any) -> str:
    """The page that runs the last runs of a definition again; empty for others, or where the user may not."""
    user = context["request"].user
    if obj._meta.label_lower != DEFINITION or not (allows(user, RUN, "view") and allows(user, RUN, "replay")):
        return ""
    return reverse("admin:run_series", args=[obj.pk])


@register.simple_tag(takes_context=True)
def run_actions(context: Any, run: Run) -> RunActions:
    """What the user of the page may do with `run`."""
    return actions_on(run, context["request"].user)

"""When an object was last called, and what a user may do with a run."""

from typing import Any

from django import template

from console.run_actions.viewed import RunActions, actions_on
from console.usage.times import call_ago
from runs.models import Run

register = template.Library()
register.filter(call_ago)


@register.simple_tag(takes_context=True)
def run_actions(context: Any, run: Run) -> RunActions:
    """What the user of the page may do with `run`."""
    return actions_on(run, context["request"].user)

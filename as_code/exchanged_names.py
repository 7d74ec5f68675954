"""Names and routes that objects give up, so that others can take them in the same import."""

from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat

from as_code.kinds import CREDENTIALS, DEFINITIONS, SCRIPTS
from as_code.permissions import Objects
from as_code.plan import Plan
from automation.models import AutomationScript, Credential
from definitions.models import ApiDefinition


def step_aside(plan: Plan, doomed: Objects) -> None:
    """Free the routes and names that are about to be given up, so that objects can exchange theirs.

    Nobody sees this: each of these rows is saved or deleted, with its event, before the commit.
    """
    moving = [target.instance.pk for target in plan.changes(DEFINITIONS) if target.changes("route")]
    ApiDefinition._base_manager.filter(pk__in=moving).update(signature=Concat(Value(" "), Cast("pk", CharField())))
    for target in [*plan.changes(SCRIPTS), *plan.changes(CREDENTIALS)]:
        if target.changes("name"):
            target.instance.given_up = {"name": target.was["name"]}
    renamed = [target.instance.pk for target in plan.changes(SCRIPTS) if target.changes("name")]
    exchanged = [target.instance.pk for target in plan.changes(CREDENTIALS) if target.changes("name")]
    leaving = [script.pk for script in doomed.get(SCRIPTS, [])]
    away = Concat(Value("-"), Cast("pk", CharField()))
    AutomationScript._base_manager.filter(pk__in=[*renamed, *leaving]).update(name=away)
    Credential._base_manager.filter(pk__in=exchanged).update(name=away)

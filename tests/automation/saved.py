"""Scripts and libraries that tests save, and what is stored of their versions."""

from typing import Any

from django.db.models import F

from automation.history import go_back
from automation.models import AutomationScript, ScriptKind
from automation.versions import ScriptVersion
from objects.changes import save_checked

RUN = "def run(engine): pass\n"


def save(name: str = "a script", source: str = RUN, by: str = "jane", **fields: Any) -> AutomationScript:
    script = AutomationScript(name=name, source=source)
    for field, value in fields.items():
        setattr(script, field, value)
    return save_checked(script, by)


def library(name: str, source: str = "def tool(): pass\n", **fields: Any) -> AutomationScript:
    return save(name, source, kind=ScriptKind.LIBRARY, **fields)


def change(script: AutomationScript, by: str = "john", **values: Any) -> AutomationScript:
    """Save the script with these values, which may also be those that say how a version is made."""
    fresh = AutomationScript.objects.get(pk=script.pk)
    for name, value in values.items():
        setattr(fresh, name, value)
    return save_checked(fresh, by)


def activate(script: AutomationScript, number: int) -> AutomationScript:
    fresh = AutomationScript.objects.get(pk=script.pk)
    go_back(fresh, ScriptVersion.objects.get(script=script, number=number))
    return save_checked(fresh, "john")


def numbers(script: AutomationScript) -> list[int]:
    return sorted(ScriptVersion.objects.filter(script=script.pk).values_list("number", flat=True))


def current(script: AutomationScript) -> ScriptVersion:
    """The stored version that the stored script runs."""
    return ScriptVersion.objects.get(script=script.pk, number=F("script__current_version"))


def uses(script: AutomationScript) -> dict[str, int]:
    """The libraries of the current version, with their numbers."""
    return {use.name: use.number for use in current(script).library_uses.all()}

from importlib import import_module
from typing import Any

from django.db import migrations

ready = import_module("access.migrations.0001_groups")

RUN_FLAGS = {
    "runs.ui_available": "User-defined APIs > Runs > UI available",
    "runs.bodies": "User-defined APIs > Runs > Bodies",
    "runs.cancel": "User-defined APIs > Runs > Cancel",
}
GROUPS = {
    "Viewer": {"runs.ui_available"},
    "API developer": set(RUN_FLAGS),
    "Token officer": {"runs.ui_available"},
    "Administrator": set(RUN_FLAGS),
}


def add_flags(apps: Any, schema_editor: Any) -> None:
    """Give the ready groups the flags of runs, unless an operator has changed their flags."""
    using = schema_editor.connection.alias
    for group in apps.get_model("auth", "Group").objects.using(using).filter(name__in=GROUPS):
        known = group.permissions.values_list("content_type__app_label", "codename")
        if {f"{app_label}.{codename}" for app_label, codename in known} == set(ready.GROUPS[group.name]):
            group.permissions.add(*(_permission(apps, using, flag) for flag in sorted(GROUPS[group.name])))


def _permission(apps: Any, using: str, flag: str) -> Any:
    app_label, codename = flag.split(".")
    types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    content_type, _ = types.get_or_create(app_label=app_label, model="run")
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    defaults = {"name": RUN_FLAGS[flag]}
    return permissions.get_or_create(content_type=content_type, codename=codename, defaults=defaults)[0]


class Migration(migrations.Migration):
    dependencies = [("access", "0001_groups")]

    operations = [migrations.RunPython(add_flags, migrations.RunPython.noop)]

from importlib import import_module
from typing import Any

from django.db import migrations

ready = import_module("access.migrations.0001_groups")
runs = import_module("access.migrations.0002_groups_see_runs")

CREDENTIAL_FLAGS = {
    "automation.credentials_ui_available": "Automation > Credentials > UI available",
    "automation.credentials_add_edit": "Automation > Credentials > Add/Edit",
    "automation.credentials_delete": "Automation > Credentials > Delete",
}
# Whoever grants a credential to a script of theirs can read it, so only administrators do.
GROUPS = {
    "Viewer": {"automation.credentials_ui_available"},
    "API developer": {"automation.credentials_ui_available"},
    "Administrator": set(CREDENTIAL_FLAGS),
}


def add_flags(apps: Any, schema_editor: Any) -> None:
    """Give the ready groups the flags of credentials, unless an operator has changed their flags."""
    using = schema_editor.connection.alias
    for group in apps.get_model("auth", "Group").objects.using(using).filter(name__in=GROUPS):
        known = group.permissions.values_list("content_type__app_label", "codename")
        before = set(ready.GROUPS[group.name]) | runs.GROUPS[group.name]
        if {f"{app_label}.{codename}" for app_label, codename in known} == before:
            group.permissions.add(*(_permission(apps, using, flag) for flag in sorted(GROUPS[group.name])))


def _permission(apps: Any, using: str, flag: str) -> Any:
    app_label, codename = flag.split(".")
    types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    content_type, _ = types.get_or_create(app_label=app_label, model="credential")
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    defaults = {"name": CREDENTIAL_FLAGS[flag]}
    return permissions.get_or_create(content_type=content_type, codename=codename, defaults=defaults)[0]


class Migration(migrations.Migration):
    dependencies = [("access", "0002_groups_see_runs")]

    operations = [migrations.RunPython(add_flags, migrations.RunPython.noop)]

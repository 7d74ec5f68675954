from typing import Any

from django.db import migrations

# The flags are rows of upper apps, named here as in the policy: a migration of this app depends on none of theirs.
FLAGS = {
    "definitions.ui_available": ("apidefinition", "User-defined APIs > Definitions > UI available"),
    "definitions.add_edit": ("apidefinition", "User-defined APIs > Definitions > Add/Edit"),
    "definitions.delete": ("apidefinition", "User-defined APIs > Definitions > Delete"),
    "tokens.ui_available": ("apitoken", "User-defined APIs > Tokens > UI available"),
    "tokens.add_edit": ("apitoken", "User-defined APIs > Tokens > Add/Edit"),
    "tokens.delete": ("apitoken", "User-defined APIs > Tokens > Delete"),
    "automation.ui_available": ("automationscript", "Automation > UI available"),
    "automation.add_edit": ("automationscript", "Automation > Add/Edit"),
    "automation.delete": ("automationscript", "Automation > Delete"),
    "automation.execute": ("automationscript", "Automation > Execute"),
}
TOKEN_FLAGS = {"tokens.add_edit", "tokens.delete"}
GROUPS = {
    "Viewer": {flag for flag in FLAGS if flag.endswith(".ui_available")},
    "API developer": FLAGS.keys() - TOKEN_FLAGS,
    "Token officer": {"definitions.ui_available", "tokens.ui_available"} | TOKEN_FLAGS,
    "Administrator": FLAGS.keys(),
}


def create_groups(apps: Any, schema_editor: Any) -> None:
    """The ready groups. One that an operator has made under the same name stays as it is."""
    using = schema_editor.connection.alias
    for name, flags in GROUPS.items():
        group, is_new = apps.get_model("auth", "Group").objects.using(using).get_or_create(name=name)
        if is_new:
            group.permissions.set([_permission(apps, using, flag) for flag in sorted(flags)])


def _permission(apps: Any, using: str, flag: str) -> Any:
    app_label, codename = flag.split(".")
    model, name = FLAGS[flag]
    types = apps.get_model("contenttypes", "ContentType").objects.using(using)
    content_type, _ = types.get_or_create(app_label=app_label, model=model)
    permissions = apps.get_model("auth", "Permission").objects.using(using)
    return permissions.get_or_create(content_type=content_type, codename=codename, defaults={"name": name})[0]


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(create_groups, migrations.RunPython.noop)]

from typing import Any

from django.contrib.auth.management import create_permissions
from django.db import migrations

FLAGGED_APPS = ("definitions", "tokens", "automation")

VIEWER = ("definitions.ui_available", "tokens.ui_available", "automation.ui_available")
PUBLISHING = (
    "definitions.add_edit",
    "definitions.delete",
    "automation.add_edit",
    "automation.delete",
    "automation.execute",
)
TOKENS = ("tokens.add_edit", "tokens.delete")

GROUPS = {
    "Viewer": VIEWER,
    "API developer": (*VIEWER, *PUBLISHING),
    "Token officer": ("definitions.ui_available", "tokens.ui_available", *TOKENS),
    "Administrator": (*VIEWER, *PUBLISHING, *TOKENS),
}


def create_groups(apps: Any, schema_editor: Any) -> None:
    """The ready groups. One that an operator has made under the same name stays as it is."""
    using = schema_editor.connection.alias
    flags = _flags(apps, using)
    for name, needed in GROUPS.items():
        group, is_new = apps.get_model("auth", "Group").objects.using(using).get_or_create(name=name)
        if is_new:
            group.permissions.set(flags[flag] for flag in needed)


def remove_stock_permissions(apps: Any, schema_editor: Any) -> None:
    """What Django made for its own models before, and nobody asks for."""
    permissions = apps.get_model("auth", "Permission").objects.using(schema_editor.connection.alias)
    permissions.exclude(content_type__app_label__in=FLAGGED_APPS).delete()


def _flags(apps: Any, using: str) -> dict[str, Any]:
    # Flags are made after all migrations only.
    for label in FLAGGED_APPS:
        app_config = apps.get_app_config(label)
        # The state of a migration has no modules, and without one nothing is made.
        before = getattr(app_config, "models_module", None)
        app_config.models_module = True
        create_permissions(app_config, verbosity=0, using=using, apps=apps)
        app_config.models_module = before
    found = apps.get_model("auth", "Permission").objects.using(using).filter(content_type__app_label__in=FLAGGED_APPS)
    return {f"{flag.content_type.app_label}.{flag.codename}": flag for flag in found.select_related("content_type")}


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("definitions", "0001_initial"),
        ("tokens", "0001_initial"),
        ("automation", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(create_groups, migrations.RunPython.noop),
        migrations.RunPython(remove_stock_permissions, migrations.RunPython.noop),
    ]

from typing import Any

from django.db import migrations

from automation.versions import CONTENT, content_hash


def make_first_versions(apps: Any, schema_editor: Any) -> None:
    """Every script that has no version gets version 1, by whoever changed the script last."""
    scripts = apps.get_model("automation", "AutomationScript").objects.using(schema_editor.connection.alias)
    versions = apps.get_model("automation", "ScriptVersion").objects.using(schema_editor.connection.alias)
    # One by one: the sources may be large.
    for pk in list(scripts.filter(current_version=None).values_list("pk", flat=True)):
        script = scripts.get(pk=pk)
        content = {name: getattr(script, name) for name in CONTENT}
        versions.create(
            script=script,
            number=1,
            content_hash=content_hash(content, {}),
            created_by=script.last_modified_by,
            created_at=script.last_modified,
            has_api_trigger=script.has_api_trigger,
            has_run=script.has_run,
            **content,
        )
        # Not `save`: this is no change of the script.
        scripts.filter(pk=pk).update(current_version=1, versioned_revision=script.revision)


class Migration(migrations.Migration):
    dependencies = [("automation", "0002_versions")]

    operations = [migrations.RunPython(make_first_versions, migrations.RunPython.noop)]

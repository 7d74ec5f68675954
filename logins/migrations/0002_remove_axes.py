from typing import Any

from django.db import migrations

# What refers to another table comes before it.
TABLES = ("axes_accessattemptexpiration", "axes_accessattempt", "axes_accesslog", "axes_accessfailurelog")


def remove(apps: Any, schema_editor: Any) -> None:
    """Remove django-axes' tables, which hold request data: secrets of refused requests among it."""
    connection = schema_editor.connection
    existing = set(connection.introspection.table_names())
    if connection.vendor == "sqlite":
        # Otherwise dropped rows stay readable in the file until something overwrites them.
        schema_editor.execute("PRAGMA secure_delete = ON")
    for table in TABLES:
        if table in existing:
            schema_editor.execute(f"DROP TABLE {schema_editor.quote_name(table)}")
    schema_editor.execute("DELETE FROM django_migrations WHERE app = 'axes'")
    apps.get_model("contenttypes", "ContentType").objects.filter(app_label="axes").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("logins", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(remove, migrations.RunPython.noop)]

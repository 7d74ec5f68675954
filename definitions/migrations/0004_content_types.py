from django.db import migrations, models

from definitions.content_types import default_content_types


class Migration(migrations.Migration):
    dependencies = [
        ("definitions", "0003_runs"),
    ]

    operations = [
        migrations.AddField(
            model_name="apidefinition",
            name="content_types",
            field=models.JSONField(
                db_default=["application/json", "application/xml", "text/xml", "text/plain"],
                default=default_content_types,
                help_text="A body of another type is refused with error 1003.",
                verbose_name="accepted content types",
            ),
        ),
    ]

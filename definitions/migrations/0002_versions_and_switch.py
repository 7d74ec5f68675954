from django.db import migrations, models

import objects.columns


class Migration(migrations.Migration):
    dependencies = [
        ("definitions", "0001_squashed"),
    ]

    operations = [
        migrations.AlterField(
            model_name="apidefinition",
            name="version",
            field=objects.columns.RevisionField(db_column="version", default=0, editable=False),
        ),
        migrations.RenameField(
            model_name="apidefinition",
            old_name="version",
            new_name="revision",
        ),
        migrations.AddField(
            model_name="apidefinition",
            name="is_disabled",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Disabled: calls are refused at once with error 2009.",
                verbose_name="disabled",
            ),
        ),
        migrations.AddField(
            model_name="apidefinition",
            name="script_version",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="The version that the API is pinned to. Without one, it runs the current version.",
                null=True,
                verbose_name="version",
            ),
        ),
    ]

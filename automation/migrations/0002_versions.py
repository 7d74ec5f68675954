import django.db.models.deletion
from django.db import migrations, models

import automation.versions
import objects.columns


class Migration(migrations.Migration):
    dependencies = [
        ("automation", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="ScriptVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "script",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        db_index=False,
                        db_constraint=False,
                        to="automation.automationscript",
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("content_hash", models.CharField(max_length=64)),
                ("created_by", models.CharField(max_length=150)),
                ("created_at", models.DateTimeField()),
                ("note", models.CharField(blank=True, default="", max_length=1000)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("Script", "Script: APIs and other scripts run it"),
                            ("Library", "Library: scripts import it"),
                        ],
                        max_length=7,
                    ),
                ),
                ("parameters", models.JSONField(blank=True, default=list)),
                ("timeout_seconds", models.PositiveIntegerField(verbose_name="time-out (seconds)")),
                ("memory_limit_mb", models.PositiveIntegerField(verbose_name="memory limit (MB)")),
                (
                    "reuse",
                    models.CharField(
                        choices=[
                            ("warm", "Reuse the process (faster)"),
                            ("fresh", "New process every time (isolated)"),
                        ],
                        max_length=5,
                        verbose_name="process",
                    ),
                ),
                ("has_api_trigger", models.BooleanField()),
                ("has_run", models.BooleanField()),
                ("source", objects.columns.CompressedTextField()),
            ],
            options={
                "verbose_name": "version",
                "ordering": ["-number"],
                "default_permissions": (),
            },
            bases=(automation.versions.EntryPoints, models.Model),
        ),
        migrations.CreateModel(
            name="LibraryUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="library_uses",
                        db_index=False,
                        to="automation.scriptversion",
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("number", models.PositiveIntegerField()),
                (
                    "library",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="uses",
                        to="automation.scriptversion",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AlterField(
            model_name="automationscript",
            name="version",
            field=objects.columns.RevisionField(db_column="version", default=0, editable=False),
        ),
        migrations.RenameField(
            model_name="automationscript",
            old_name="version",
            new_name="revision",
        ),
        migrations.AddField(
            model_name="automationscript",
            name="current_version",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="automationscript",
            name="kind",
            field=models.CharField(
                choices=[
                    ("Script", "Script: APIs and other scripts run it"),
                    ("Library", "Library: scripts import it"),
                ],
                db_default="Script",
                default="Script",
                max_length=7,
            ),
        ),
        migrations.AddField(
            model_name="automationscript",
            name="versioned_revision",
            field=objects.columns.DerivedIntegerField(editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="automationscript",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["Script", "Library"])), name="script_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="scriptversion",
            constraint=models.UniqueConstraint(fields=("script", "number"), name="version_number_once"),
        ),
        migrations.AddConstraint(
            model_name="libraryuse",
            constraint=models.UniqueConstraint(fields=("version", "name"), name="library_used_once"),
        ),
    ]

import uuid

from django.db import migrations, models

import objects.columns


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("automation", "0001_initial"),
        ("automation", "0002_script_memory_and_reuse"),
        ("automation", "0003_names"),
    ]

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="WorkerNode",
            fields=[
                ("id", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("host", models.CharField(max_length=255)),
                ("first_seen", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "node",
                "ordering": ["id"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="AutomationScript",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_by", models.CharField(default="system", editable=False, max_length=150)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_modified_by", models.CharField(default="system", editable=False, max_length=150)),
                ("last_modified", models.DateTimeField(auto_now=True)),
                ("version", objects.columns.RevisionField(default=0, editable=False)),
                ("name", models.CharField(blank=True, max_length=200, unique=True)),
                ("description", models.TextField(blank=True)),
                ("source", models.TextField(blank=True)),
                (
                    "parameters",
                    models.JSONField(blank=True, default=list, help_text="The names of the script parameters."),
                ),
                (
                    "timeout_seconds",
                    models.PositiveIntegerField(
                        default=60, help_text="Longer runs are stopped.", verbose_name="time-out (seconds)"
                    ),
                ),
                (
                    "memory_limit_mb",
                    models.PositiveIntegerField(
                        default=512,
                        help_text="Runs that use more are stopped.",
                        verbose_name="memory limit (MB)",
                    ),
                ),
                (
                    "reuse",
                    models.CharField(
                        choices=[
                            ("warm", "Reuse the process (faster)"),
                            ("fresh", "New process every time (isolated)"),
                        ],
                        default="warm",
                        max_length=5,
                        verbose_name="process",
                    ),
                ),
                ("has_api_trigger", objects.columns.DerivedBooleanField(default=False, editable=False)),
                ("has_run", objects.columns.DerivedBooleanField(default=False, editable=False)),
            ],
            options={
                "verbose_name": "script",
                "ordering": ["name"],
                "permissions": [
                    ("ui_available", "Automation > UI available"),
                    ("add_edit", "Automation > Add/Edit"),
                    ("delete", "Automation > Delete"),
                    ("execute", "Automation > Execute"),
                ],
                "abstract": False,
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("name__regex", "\\S")), name="script_name_not_blank"),
                    models.CheckConstraint(
                        condition=models.Q(("timeout_seconds__range", (1, 86400))), name="script_timeout"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("memory_limit_mb__range", (64, 65536))), name="script_memory"
                    ),
                    models.CheckConstraint(condition=models.Q(("reuse__in", ["warm", "fresh"])), name="script_reuse"),
                ],
            },
        ),
    ]

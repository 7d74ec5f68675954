import uuid

from django.db import migrations, models

import objects.columns


class Migration(migrations.Migration):
    initial = True
    replaces = [("tokens", "0001_initial"), ("tokens", "0002_list_indexes"), ("tokens", "0003_last_used")]

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_by", models.CharField(default="system", editable=False, max_length=150)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_modified_by", models.CharField(default="system", editable=False, max_length=150)),
                ("last_modified", models.DateTimeField(auto_now=True)),
                ("version", objects.columns.RevisionField(default=0, editable=False)),
                ("name", models.CharField(blank=True, max_length=200)),
                ("secret_digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("pepper_id", models.PositiveIntegerField(db_index=True, editable=False)),
                ("is_disabled", models.BooleanField(default=False, verbose_name="disabled")),
                (
                    "rate_limit",
                    models.PositiveSmallIntegerField(
                        blank=True, help_text="Requests in a window, 1 to 100; empty for no limit.", null=True
                    ),
                ),
                (
                    "rate_window_seconds",
                    models.PositiveIntegerField(
                        blank=True, help_text="Length of the window, 1 to 86400 seconds.", null=True
                    ),
                ),
                ("last_used", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "verbose_name": "token",
                "ordering": ["name", "id"],
                "permissions": [
                    ("ui_available", "User-defined APIs > Tokens > UI available"),
                    ("add_edit", "User-defined APIs > Tokens > Add/Edit"),
                    ("delete", "User-defined APIs > Tokens > Delete"),
                ],
                "abstract": False,
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["name", "id"], name="token_by_name"),
                    models.Index(fields=["last_modified"], name="token_by_change"),
                    models.Index(fields=["last_used"], name="token_by_use"),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("name__regex", "\\S")), name="token_name_not_blank"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("rate_limit__isnull", True), ("rate_window_seconds__isnull", True)),
                            models.Q(
                                ("rate_limit__isnull", False),
                                ("rate_limit__range", (1, 100)),
                                ("rate_window_seconds__isnull", False),
                                ("rate_window_seconds__range", (1, 86400)),
                            ),
                            _connector="OR",
                        ),
                        name="token_rate_limit",
                    ),
                ],
            },
        ),
    ]

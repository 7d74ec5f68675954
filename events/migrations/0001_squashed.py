import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    replaces = [
        ("events", "0001_initial"),
        ("events", "0002_mirror"),
        ("events", "0003_names"),
        ("events", "0004_people"),
    ]

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="LastPosition",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.BigIntegerField(default=0)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="InformationEvent",
            fields=[
                ("number", models.BigAutoField(primary_key=True, serialize=False)),
                ("event_id", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("position", models.BigIntegerField(null=True, unique=True)),
                ("time", models.DateTimeField(auto_now_add=True)),
                ("user", models.CharField(max_length=301)),
                ("user_name", models.CharField(max_length=150)),
                (
                    "verb",
                    models.CharField(
                        choices=[("added", "Added"), ("updated", "Updated"), ("deleted", "Deleted")], max_length=10
                    ),
                ),
                (
                    "object_type",
                    models.CharField(
                        choices=[
                            ("ApiDefinition", "API definition"),
                            ("ApiToken", "API token"),
                            ("AutomationScript", "Automation script"),
                            ("SearchMirror", "Search mirror"),
                            ("User", "User"),
                            ("Group", "Group"),
                            ("PersonalKey", "Personal key"),
                        ],
                        max_length=30,
                    ),
                ),
                ("object_id", models.UUIDField()),
                ("message", models.TextField()),
                ("properties", models.JSONField(default=dict)),
            ],
            options={
                "verbose_name": "information event",
                "ordering": ["-number"],
                "default_permissions": (),
                "indexes": [
                    models.Index(fields=["time"], name="event_time"),
                    models.Index(fields=["object_id"], name="event_object"),
                    models.Index(fields=["user"], name="event_user"),
                    models.Index(fields=["user_name"], name="event_user_name"),
                    models.Index(
                        condition=models.Q(("position", None)), fields=["number"], name="event_without_position"
                    ),
                ],
            },
        ),
    ]

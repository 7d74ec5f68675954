import uuid

import django.db.models.deletion
from django.db import migrations, models

import objects.columns


class Migration(migrations.Migration):
    initial = True
    replaces = [("definitions", "0001_initial"), ("definitions", "0002_list_indexes")]

    dependencies = [
        ("automation", "0001_squashed"),
        ("tokens", "0001_squashed"),
    ]

    operations = [
        migrations.CreateModel(
            name="AllowedToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("token", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="tokens.apitoken")),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="ApiDefinition",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_by", models.CharField(default="system", editable=False, max_length=150)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("last_modified_by", models.CharField(default="system", editable=False, max_length=150)),
                ("last_modified", models.DateTimeField(auto_now=True)),
                ("version", objects.columns.RevisionField(default=0, editable=False)),
                ("name", models.CharField(blank=True, default="", max_length=200)),
                ("description", models.TextField(blank=True, default="")),
                ("route", models.CharField(blank=True, max_length=249)),
                (
                    "action_type",
                    models.CharField(
                        choices=[
                            ("AutomationScript", "on_api_trigger"),
                            ("AutomationScriptNoEntryPoint", "run"),
                        ],
                        default="AutomationScript",
                        max_length=40,
                    ),
                ),
                (
                    "input_type",
                    models.CharField(
                        blank=True,
                        choices=[("RawBody", "Raw body"), ("Parameters", "Parameters")],
                        default="RawBody",
                        max_length=20,
                    ),
                ),
                ("signature", objects.columns.DerivedCharField(editable=False, max_length=748, unique=True)),
                ("shape", objects.columns.DerivedCharField(editable=False, max_length=125)),
                ("literal_count", objects.columns.DerivedSmallIntegerField(editable=False)),
                (
                    "allowed_tokens",
                    models.ManyToManyField(
                        related_name="api_definitions", through="definitions.AllowedToken", to="tokens.apitoken"
                    ),
                ),
                (
                    "script",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="api_definitions",
                        to="automation.automationscript",
                    ),
                ),
            ],
            options={
                "verbose_name": "definition",
                "ordering": ["route", "id"],
                "permissions": [
                    ("ui_available", "User-defined APIs > Definitions > UI available"),
                    ("add_edit", "User-defined APIs > Definitions > Add/Edit"),
                    ("delete", "User-defined APIs > Definitions > Delete"),
                ],
                "abstract": False,
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="allowedtoken",
            name="definition",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="definitions.apidefinition"),
        ),
        migrations.CreateModel(
            name="RoutePrefix",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("prefix", models.CharField(db_index=True, max_length=748)),
                (
                    "definition",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="definitions.apidefinition"),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="apidefinition",
            index=models.Index(fields=["route", "id"], name="definition_by_route"),
        ),
        migrations.AddIndex(
            model_name="apidefinition",
            index=models.Index(fields=["name", "id"], name="definition_by_name"),
        ),
        migrations.AddIndex(
            model_name="apidefinition",
            index=models.Index(fields=["last_modified"], name="definition_by_change"),
        ),
        migrations.AddConstraint(
            model_name="apidefinition",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), ("name__regex", "\\S"), _connector="OR"),
                name="definition_name_not_blank",
            ),
        ),
        migrations.AddConstraint(
            model_name="apidefinition",
            constraint=models.CheckConstraint(
                condition=models.Q(("route", ""), _negated=True), name="definition_route_not_empty"
            ),
        ),
        migrations.AddConstraint(
            model_name="allowedtoken",
            constraint=models.UniqueConstraint(fields=("definition", "token"), name="token_allowed_once"),
        ),
    ]

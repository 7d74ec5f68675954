import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    replaces = [("search", "0001_mirror"), ("search", "0002_leases_in_redis")]

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Copy",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20, unique=True)),
                ("filling", models.CharField(default="", max_length=255)),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("filled_at", models.DateTimeField(null=True)),
                ("filler", models.CharField(default="", max_length=255)),
                ("checked_at", models.DateTimeField(null=True)),
                ("missing", models.PositiveIntegerField(default=0)),
                ("stale", models.PositiveIntegerField(default=0)),
                ("orphaned", models.PositiveIntegerField(default=0)),
                ("fault", models.CharField(default="", max_length=1000)),
                ("repaired_at", models.DateTimeField(null=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Mirror",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("is_on", models.BooleanField(default=False)),
                ("ticket", models.BigIntegerField(default=0)),
                ("reached_at", models.DateTimeField(null=True)),
                ("failed_at", models.DateTimeField(null=True)),
                ("failure", models.CharField(default="", max_length=1000)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Intent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20)),
                ("object_id", models.CharField(max_length=512)),
                ("cursor", models.CharField(default="", max_length=512)),
                ("noted_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "default_permissions": (),
                "indexes": [models.Index(fields=["kind", "id"], name="intent_by_kind")],
            },
        ),
        migrations.CreateModel(
            name="SetAside",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=20)),
                ("object_id", models.CharField(max_length=512)),
                ("reason", models.TextField()),
                ("since", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ["since", "pk"],
                "default_permissions": (),
                "constraints": [models.UniqueConstraint(fields=("kind", "object_id"), name="set_aside_once")],
            },
        ),
    ]

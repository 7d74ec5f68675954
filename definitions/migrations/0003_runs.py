from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("definitions", "0002_versions_and_switch"),
    ]

    operations = [
        migrations.AddField(
            model_name="apidefinition",
            name="keep_bodies",
            field=models.CharField(
                choices=[("Nothing", "No runs"), ("Failures", "Failed runs"), ("Everything", "All runs")],
                db_default="Nothing",
                default="Nothing",
                help_text=(
                    "Keeps up to 64 KB of each with the run. Values whose name looks secret, such as password or "
                    "token, are masked in headers, query, forms and JSON; other bodies are kept as they are."
                ),
                max_length=10,
                verbose_name="keep request and response of",
            ),
        ),
        migrations.AddField(
            model_name="apidefinition",
            name="max_concurrent",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="1 to 1000, counted over all worker nodes; empty for no limit. Further calls get error 2008.",
                null=True,
                verbose_name="most runs at once",
            ),
        ),
        migrations.AddConstraint(
            model_name="apidefinition",
            constraint=models.CheckConstraint(
                condition=models.Q(("keep_bodies__in", ["Nothing", "Failures", "Everything"])),
                name="definition_keep_bodies",
            ),
        ),
        migrations.AddConstraint(
            model_name="apidefinition",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_concurrent__range", (1, 1000))), name="definition_max_concurrent"
            ),
        ),
    ]

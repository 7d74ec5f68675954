from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0004_said"),
    ]

    operations = [
        migrations.AddField(
            model_name="informationevent",
            name="changes",
            field=models.JSONField(editable=False, null=True),
        ),
        migrations.AlterField(
            model_name="informationevent",
            name="object_type",
            field=models.CharField(
                choices=[
                    ("ApiDefinition", "API"),
                    ("ApiToken", "Token"),
                    ("AutomationScript", "Script"),
                    ("Credential", "Credential"),
                    ("SearchMirror", "Search mirror"),
                    ("Run", "Run"),
                    ("User", "User"),
                    ("Group", "Group"),
                    ("PersonalKey", "Personal key"),
                ],
                max_length=30,
            ),
        ),
    ]

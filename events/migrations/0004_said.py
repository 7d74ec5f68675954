from django.db import migrations, models
from django.utils import timezone


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0003_credentials"),
    ]

    operations = [
        migrations.AlterField(
            model_name="informationevent",
            name="verb",
            field=models.CharField(
                choices=[
                    ("added", "Added"),
                    ("updated", "Updated"),
                    ("deleted", "Deleted"),
                    ("read", "Read"),
                    ("failing", "Failing"),
                    ("recovered", "Recovered"),
                    ("said", "Said"),
                ],
                max_length=10,
            ),
        ),
        # Python alone fills the column, and SQLite would copy the table.
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="informationevent",
                    name="time",
                    field=models.DateTimeField(default=timezone.now, editable=False),
                ),
            ],
        ),
    ]

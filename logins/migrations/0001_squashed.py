from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    replaces = [("logins", "0001_initial"), ("logins", "0002_remove_axes")]

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AttemptCounter",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("count", models.PositiveIntegerField(default=0)),
                ("ends_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
    ]

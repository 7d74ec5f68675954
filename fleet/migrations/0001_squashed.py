from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    replaces = [("fleet", "0001_initial")]

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="PeriodicTask",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("last_sent", models.DateTimeField()),
            ],
            options={
                "default_permissions": (),
            },
        ),
    ]

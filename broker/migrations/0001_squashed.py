from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    replaces = [("broker", "0001_initial")]

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Installation",
            fields=[
                ("key", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("identifier", models.CharField(max_length=40)),
                ("home", models.CharField(max_length=200)),
            ],
            options={
                "db_table": "broker_installation",
                "default_permissions": (),
            },
        ),
    ]

from django.db import migrations

import objects.columns


class Migration(migrations.Migration):
    dependencies = [
        ("tokens", "0001_squashed"),
    ]

    operations = [
        migrations.AlterField(
            model_name="apitoken",
            name="version",
            field=objects.columns.RevisionField(db_column="version", default=0, editable=False),
        ),
        migrations.RenameField(
            model_name="apitoken",
            old_name="version",
            new_name="revision",
        ),
    ]

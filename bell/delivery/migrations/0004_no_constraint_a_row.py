"""The outbox's links to mailing and batch lose their constraint in the database: it cost a trigger a row (filling)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0003_limits_alarms_languages_and_vendors"),
    ]

    operations = [
        migrations.AlterField(
            model_name="delivery",
            name="batch",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="delivery.batch",
            ),
        ),
        migrations.AlterField(
            model_name="delivery",
            name="mailing",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deliveries",
                to="delivery.mailing",
            ),
        ),
    ]

"""An appeal that is closed says what came of it; of those closed before this, what their outcome said."""

from django.db import migrations, models
from django.db.models import Q

ASKING = ["crime", "information", "footage", "missing"]
BEFORE = "Closed before outcomes were kept here."


def keep_notes(apps, schema_editor):
    Alert = apps.get_model("alerts", "Alert")
    for alert in Alert.objects.filter(state="closed", kind__in=ASKING, follows=None, outcome_note="").iterator():
        told = Alert.objects.filter(follows=alert, relation__in=["outcome", "stand-down"]).order_by("pk").last()
        alert.outcome_note = (told.body.strip() or told.title if told else "") or BEFORE
        alert.save(update_fields=["outcome_note"])


class Migration(migrations.Migration):

    dependencies = [
        ("alerts", "0008_add_template"),
    ]

    operations = [
        migrations.AddField(
            model_name="alert",
            name="outcome_note",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.RunPython(keep_notes, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="alert",
            constraint=models.CheckConstraint(
                condition=~Q(state="closed", kind__in=ASKING, follows__isnull=True) | ~Q(outcome_note=""),
                name="alert_asked_and_told_what_came_of_it",
            ),
        ),
    ]

"""Places at the edge say which part of the ground they belong to; versions keep how many lie beyond the patch."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def forget_other_parts(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Backwards only the part that was known before stays: a place may stand once a version then."""
    apps.get_model("alerts", "ShapePlace").objects.exclude(part="in").delete()


class Migration(migrations.Migration):

    dependencies = [
        ('alerts', '0010_add_expiry_and_corrections'),
        ('residents', '0005_add_quiet_hours_to_resident'),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='shapeplace', name='shape_place_once'),
        migrations.AddField(
            model_name='shapeplace',
            name='part',
            field=models.CharField(
                db_default=models.Value('in'),
                default='in',
                help_text='Which shapes: in, not or also (alerts.rule)',
                max_length=4,
            ),
        ),
        migrations.AddField(
            model_name='version',
            name='beyond',
            field=models.PositiveIntegerField(db_default=models.Value(0), default=0),
        ),
        migrations.AddConstraint(
            model_name='shapeplace',
            constraint=models.UniqueConstraint(fields=('version', 'part', 'place'), name='shape_place_once_a_part'),
        ),
        migrations.RunPython(migrations.RunPython.noop, forget_other_parts),
    ]

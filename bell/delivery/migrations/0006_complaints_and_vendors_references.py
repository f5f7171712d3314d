"""When a person complained about a message; rows found by the name that a vendor gave them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('delivery', '0004_no_constraint_a_row'),
    ]

    operations = [
        migrations.AddField(
            model_name='delivery',
            name='complained_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('provider_ref', ''), _negated=True), fields=['provider_ref'], name='delivery_by_reference'),
        ),
    ]

"""What texts cost on each day, so that a cap holds for all workers."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('delivery', '0006_complaints_and_vendors_references'),
    ]

    operations = [
        migrations.CreateModel(
            name='Spend',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(unique=True)),
                ('segments', models.BigIntegerField(default=0)),
                ('millipence', models.BigIntegerField(default=0)),
            ],
        ),
    ]

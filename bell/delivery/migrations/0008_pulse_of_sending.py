"""The pulse of sending: what went through each way in ten seconds, for people and machines that watch."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('delivery', '0007_spend_on_texts'),
    ]

    operations = [
        migrations.CreateModel(
            name='Pulse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('bucket', models.DateTimeField()),
                ('channel', models.CharField(choices=[('email', 'email'), ('sms', 'text message')], max_length=8)),
                ('provider', models.CharField(blank=True, default='', max_length=16)),
                ('sent', models.IntegerField(default=0)),
                ('failed', models.IntegerField(default=0)),
                ('deferred', models.IntegerField(default=0)),
                ('uncertain', models.IntegerField(default=0)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('bucket', 'channel', 'provider'), name='pulse_once')],
            },
        ),
    ]

"""Limits with breakers instead of plain pauses, alarms, which vendor and which language, callbacks that come early."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('delivery', '0002_add_heartbeat'),
    ]

    operations = [
        migrations.CreateModel(
            name='Alarm',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=300)),
                ('words', models.CharField(max_length=300)),
                ('since', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
                ('times', models.IntegerField(default=1)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Limit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=300, unique=True)),
                ('next_free_at', models.DateTimeField()),
                ('per_second', models.FloatField(blank=True, null=True)),
                ('learned_at', models.DateTimeField(blank=True, null=True)),
                ('slowed_at', models.DateTimeField(blank=True, null=True)),
                ('failures', models.IntegerField(default=0)),
                ('open_since', models.DateTimeField(blank=True, null=True)),
                ('open_until', models.DateTimeField(blank=True, null=True)),
                ('why', models.CharField(blank=True, default='', max_length=200)),
            ],
        ),
        migrations.DeleteModel(
            name='ChannelLimit',
        ),
        migrations.AddField(
            model_name='delivery',
            name='language',
            field=models.CharField(blank=True, db_default='', default='', max_length=12),
        ),
        migrations.AddField(
            model_name='delivery',
            name='provider',
            field=models.CharField(blank=True, db_default='', default='', max_length=16),
        ),
        migrations.AddField(
            model_name='inbound',
            name='again_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='inbound',
            name='state',
            field=models.CharField(choices=[('new', 'New'), ('early', 'Early'), ('settled', 'Settled'), ('done', 'Done'), ('unreadable', 'Unreadable')], default='new', max_length=12),
        ),
        migrations.AddIndex(
            model_name='inbound',
            index=models.Index(condition=models.Q(('state', 'early')), fields=['again_at'], name='inbound_early'),
        ),
        migrations.AddConstraint(
            model_name='alarm',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('name',), name='alarm_open_once'),
        ),
        migrations.AddConstraint(
            model_name='limit',
            constraint=models.CheckConstraint(condition=models.Q(('per_second__isnull', True), ('per_second__gt', 0), _connector='OR'), name='limit_is_positive'),
        ),
        migrations.AddConstraint(
            model_name='limit',
            constraint=models.CheckConstraint(condition=models.Q(('open_since__isnull', True), models.Q(('why', ''), _negated=True), _connector='OR'), name='limit_open_says_why'),
        ),
        migrations.AddConstraint(
            model_name='limit',
            constraint=models.CheckConstraint(condition=models.Q(('open_since__isnull', False), ('open_until__isnull', True), _connector='OR'), name='limit_closed_has_no_end'),
        ),
    ]

"""The tables of the post room."""

import django.db.models.deletion
from django.db import migrations, models


def leave_room_on_the_page(apps, schema_editor):
    """Settling a delivery or renewing a lease is then a heap-only update on PostgreSQL; SQLite has no such thing."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE delivery_delivery SET (fillfactor = 50)")
        schema_editor.execute("ALTER TABLE delivery_batch SET (fillfactor = 50)")


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ChannelLimit",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=32, unique=True)),
                ("next_free_at", models.DateTimeField()),
                ("per_second", models.FloatField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("per_second__isnull", True), ("per_second__gt", 0), _connector="OR"),
                        name="limit_is_positive",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Inbound",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("gateway", models.CharField(max_length=32)),
                ("external_id", models.CharField(max_length=128)),
                (
                    "kind",
                    models.CharField(choices=[("mail", "Mail"), ("sms", "Sms"), ("receipt", "Receipt")], max_length=8),
                ),
                ("raw", models.BinaryField()),
                ("envelope_from", models.CharField(blank=True, default="", max_length=320)),
                ("envelope_to", models.CharField(blank=True, default="", max_length=320)),
                ("received_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("new", "New"),
                            ("settled", "Settled"),
                            ("done", "Done"),
                            ("unreadable", "Unreadable"),
                        ],
                        default="new",
                        max_length=12,
                    ),
                ),
                (
                    "what",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("human", "Human"),
                            ("auto", "Auto"),
                            ("bounce", "Bounce"),
                            ("receipt", "Receipt"),
                            ("stop", "Stop"),
                            ("unknown", "Unknown"),
                        ],
                        default="",
                        max_length=8,
                    ),
                ),
                ("outcome", models.CharField(blank=True, default="", max_length=200)),
                ("attempts", models.SmallIntegerField(default=0)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", ["new", "settled"])),
                        fields=["state", "id"],
                        name="inbound_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("gateway", "external_id"), name="inbound_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ["settled", "done"]), _negated=True),
                            models.Q(("what", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="inbound_settled_says_what",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Mailing",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stream", models.CharField(max_length=16)),
                ("lane", models.SmallIntegerField(choices=[(0, "now"), (1, "urgent"), (2, "routine"), (3, "digest")])),
                ("practice", models.BooleanField(default=False)),
                ("authority_kind", models.CharField(max_length=16)),
                ("authority_key", models.CharField(max_length=64)),
                ("reference", models.CharField(blank=True, default="", max_length=32)),
                ("content", models.JSONField()),
                ("content_hash", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField()),
                ("filled_at", models.DateTimeField(blank=True, null=True)),
                ("stopped_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["authority_kind", "authority_key"], name="mailing_by_authority")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("authority_kind__in", ("approval", "code", "receipt", "answer", "notice"))),
                        name="mailing_has_authority",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("authority_key", ""), _negated=True), name="mailing_names_its_authority"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("stream", ""), _negated=True), name="mailing_has_stream"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Batch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(choices=[("email", "email"), ("sms", "text message")], max_length=8)),
                ("lane", models.SmallIntegerField(choices=[(0, "now"), (1, "urgent"), (2, "routine"), (3, "digest")])),
                ("due_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[("ready", "Ready"), ("leased", "Leased"), ("done", "Done")],
                        default="ready",
                        max_length=8,
                    ),
                ),
                ("owner", models.CharField(blank=True, default="", max_length=64)),
                ("fence", models.IntegerField(default=0)),
                ("lease_until", models.DateTimeField(blank=True, null=True)),
                ("begun_through", models.BigIntegerField(blank=True, null=True)),
                ("size", models.IntegerField(default=0)),
                ("attempts", models.IntegerField(default=0)),
                (
                    "mailing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="batches", to="delivery.mailing"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "batches",
            },
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address_key", models.BigIntegerField()),
                ("channel", models.CharField(choices=[("email", "email"), ("sms", "text message")], max_length=8)),
                ("stream", models.CharField(blank=True, default="", max_length=16)),
                ("reason", models.CharField(max_length=200)),
                ("since", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("address_key", "channel", "stream"), name="suppression_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("recipient_key", models.BigIntegerField()),
                ("channel", models.CharField(choices=[("email", "email"), ("sms", "text message")], max_length=8)),
                ("address", models.CharField(max_length=254)),
                ("address_key", models.BigIntegerField(blank=True, null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "waiting its turn"),
                            ("deferred", "refused for now, will be tried again"),
                            ("waiting", "kept for the digest"),
                            ("sent", "accepted by the relay or gateway"),
                            ("delivered", "arrived"),
                            ("bounced", "came back"),
                            ("failed", "refused"),
                            ("suppressed", "not sent: not wanted"),
                            ("cancelled", "not sent: stopped"),
                            ("expired", "not sent: too late"),
                            ("uncertain", "may have arrived"),
                        ],
                        default="queued",
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, default="", max_length=200)),
                ("attempts", models.SmallIntegerField(default=0)),
                ("due_at", models.DateTimeField()),
                ("state_at", models.DateTimeField()),
                ("provider_ref", models.CharField(blank=True, default="", max_length=64)),
                ("retried", models.BooleanField(default=False)),
                (
                    "batch",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="delivery.batch",
                    ),
                ),
                (
                    "mailing",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="delivery.mailing",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "deliveries",
                "indexes": [models.Index(fields=["address_key"], name="delivery_by_address")],
                "constraints": [
                    models.UniqueConstraint(fields=("recipient_key", "mailing", "channel"), name="delivery_once_each"),
                    models.UniqueConstraint(
                        fields=("mailing", "channel", "address_key"), name="delivery_once_an_address"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("address_key__isnull", False), ("state", "suppressed"), _connector="OR"),
                        name="delivery_keyless_only_if_suppressed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "deferred"), _negated=True), ("batch__isnull", False), _connector="OR"
                        ),
                        name="delivery_deferred_has_batch",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(
                condition=models.Q(("state", "ready")), fields=["lane", "due_at", "id"], name="batch_next"
            ),
        ),
        migrations.AddIndex(
            model_name="batch",
            index=models.Index(condition=models.Q(("state", "leased")), fields=["lease_until"], name="batch_leased"),
        ),
        migrations.AddConstraint(
            model_name="batch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("lease_until__isnull", False), ("state", "leased"), models.Q(("owner", ""), _negated=True)
                    ),
                    models.Q(
                        models.Q(("state", "leased"), _negated=True), ("lease_until__isnull", True), ("owner", "")
                    ),
                    _connector="OR",
                ),
                name="batch_lease_is_whole",
            ),
        ),
        migrations.RunPython(leave_room_on_the_page, migrations.RunPython.noop),
    ]

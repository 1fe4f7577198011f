"""Where a world's live orders go, and the sealed keys to it."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("worlds", "0006_stale_decisions"),
    ]

    operations = [
        migrations.CreateModel(
            name="BrokerSettings",
            fields=[
                (
                    "world",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="broker",
                        serialize=False,
                        to="worlds.world",
                    ),
                ),
                ("kind", models.CharField(choices=[("paper", "paper"), ("ccxt", "ccxt")], max_length=16)),
                ("exchange", models.CharField(blank=True, help_text="As ccxt names it.", max_length=64)),
                ("sandbox", models.BooleanField(default=False)),
                ("options", models.JSONField(default=dict)),
                ("paper", models.JSONField(default=dict, help_text="What an execution on paper costs.")),
                (
                    "sealed_credentials",
                    models.BinaryField(help_text="Encrypted; only a lease holder reads it.", null=True),
                ),
                ("credential_names", models.JSONField(default=list)),
                ("credentials_fingerprint", models.CharField(blank=True, max_length=16)),
                ("credentials_set_by", models.CharField(blank=True, max_length=150)),
                ("credentials_set_at", models.DateTimeField(null=True)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("updated_at", models.DateTimeField()),
            ],
            options={
                "verbose_name_plural": "broker settings",
                "permissions": [("set_credentials", "Can set the credentials of a world's broker")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["paper", "ccxt"])),
                        name="a_broker_is_of_a_known_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("exchange", ""), ("kind", "paper")),
                            models.Q(("kind", "ccxt"), models.Q(("exchange", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="a_broker_names_its_exchange",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("sealed_credentials", None), ("kind", "ccxt"), _connector="OR"),
                        name="paper_needs_no_credentials",
                    ),
                ],
            },
        ),
    ]

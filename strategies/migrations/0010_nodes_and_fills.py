"""Nodes of strategies, and executions, which are evidence."""

from __future__ import annotations

import django.db.models.deletion
import django_fsm
from django.db import migrations, models

from qmtl_site.ledger.forbid_change import ForbidChange
from qmtl_site.ledger.guard_lifecycle import GuardLifecycle
from qmtl_site.ledger.keep_columns import KeepColumns

MOVES = {
    "initialized": ["pre_warmup", "active", "completed", "error"],
    "pre_warmup": ["active", "completed", "error", "initialized"],
    "active": ["completed", "error", "initialized"],
    "completed": ["error", "initialized"],
    "error": ["initialized"],
}


class Migration(migrations.Migration):
    dependencies = [
        ("strategies", "0009_driver_lease"),
    ]

    operations = [
        migrations.CreateModel(
            name="Fill",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("fill_id", models.CharField(max_length=128)),
                ("order_id", models.CharField(max_length=128)),
                ("ts", models.DateTimeField(help_text="When it was executed.")),
                ("symbol", models.CharField(max_length=64)),
                ("venue", models.CharField(blank=True, max_length=64)),
                ("side", models.CharField(choices=[("buy", "buy"), ("sell", "sell")], max_length=4)),
                ("qty", models.DecimalField(decimal_places=18, max_digits=38)),
                ("price", models.DecimalField(decimal_places=18, max_digits=38)),
                (
                    "fee",
                    models.DecimalField(decimal_places=18, help_text="In the quote currency.", max_digits=38),
                ),
                ("mode", models.CharField(choices=[("paper", "paper"), ("live", "live")], max_length=8)),
                ("reported_by", models.CharField(max_length=150)),
                ("reported_at", models.DateTimeField()),
                (
                    "binding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="fills",
                        to="strategies.binding",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["binding", "-ts", "-id"], name="fill_newest"),
                    models.Index(fields=["binding", "order_id"], name="fill_of_order"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("binding", "fill_id"), name="a_fill_is_reported_once"),
                    models.CheckConstraint(
                        condition=models.Q(("side__in", ["buy", "sell"])), name="a_fill_has_a_known_side"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("mode__in", ["paper", "live"])),
                        name="a_fill_is_of_paper_or_of_live",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("price__gt", 0), ("qty__gt", 0)),
                        name="a_fill_has_a_positive_quantity_and_price",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Node",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=256)),
                (
                    "state",
                    django_fsm.FSMField(
                        choices=[
                            ("initialized", "Initialized"),
                            ("pre_warmup", "Pre Warmup"),
                            ("active", "Active"),
                            ("completed", "Completed"),
                            ("error", "Error"),
                        ],
                        default="initialized",
                        max_length=50,
                        protected=True,
                    ),
                ),
                ("state_since", models.DateTimeField()),
                (
                    "period",
                    models.PositiveIntegerField(
                        help_text="Bars that it needs before it is active.", null=True
                    ),
                ),
                (
                    "received",
                    models.PositiveIntegerField(default=0, help_text="How many of them have arrived."),
                ),
                (
                    "error",
                    models.CharField(
                        blank=True, help_text="What went wrong, while it is in error.", max_length=4000
                    ),
                ),
                ("reported_at", models.DateTimeField()),
                (
                    "binding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="nodes",
                        to="strategies.binding",
                    ),
                ),
            ],
            options={
                "permissions": [("reset_node", "Can reset a node that is in error")],
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "error")), fields=["binding"], name="node_in_error"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("binding", "name"), name="a_node_is_named_once_per_binding"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["initialized", "pre_warmup", "active", "completed", "error"])
                        ),
                        name="a_node_is_in_a_known_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("period", None), ("received__lte", models.F("period")), _connector="OR"
                        ),
                        name="a_node_receives_at_most_its_period",
                    ),
                ],
            },
            bases=(django_fsm.FSMModelMixin, models.Model),
        ),
        ForbidChange("strategies_fill"),
        GuardLifecycle("strategies_node", "state", MOVES),
        KeepColumns("strategies_node", ["id", "binding_id", "name"]),
    ]

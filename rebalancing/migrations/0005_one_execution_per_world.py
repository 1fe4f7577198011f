"""One execution at a time trades in a world; it can be cancelled, and is gone on with in the background."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
import django_fsm
from django.db import migrations, models

from qmtl_site.ledger.guard_lifecycle import GuardLifecycle
from qmtl_site.ledger.keep_columns import KeepColumns

EXECUTION = {"running": ["cancelling", "completed", "cancelled"], "cancelling": ["completed", "cancelled"]}
EXECUTION_BEFORE = {"running": ["completed"]}
ORDER = {
    "new": ["refused", "handed", "filled", "rejected", "cancelled"],
    "refused": ["handed", "filled", "rejected", "cancelled"],
    "handed": ["filled", "rejected", "cancelling", "cancelled"],
    "cancelling": ["filled", "cancelled"],
}
ORDER_BEFORE = {
    "new": ["refused", "handed", "filled", "rejected"],
    "refused": ["handed", "filled", "rejected"],
    "handed": ["filled", "rejected"],
}


def drop(table: str, column: str, before: dict[str, list[str]]) -> migrations.RunSQL:
    guard = GuardLifecycle(table, column, before)
    return migrations.RunSQL(guard.reverse_sql, guard.sql)


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("rebalancing", "0004_plan_starting_etag"),
        ("worlds", "0007_broker_settings"),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="ExecutionWorld",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("released_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="execution",
            name="an_execution_is_running_or_has_completed",
        ),
        migrations.RemoveConstraint(
            model_name="order",
            name="an_order_is_in_a_known_status",
        ),
        migrations.RemoveIndex(
            model_name="execution",
            name="execution_running",
        ),
        migrations.AddField(
            model_name="execution",
            name="cancel_reason",
            field=models.CharField(blank=True, max_length=2000),
        ),
        migrations.AddField(
            model_name="execution",
            name="cancelled_at",
            field=models.DateTimeField(help_text="When somebody asked for it to be cancelled.", null=True),
        ),
        migrations.AddField(
            model_name="execution",
            name="cancelled_by",
            field=models.CharField(blank=True, max_length=150),
        ),
        migrations.AddField(
            model_name="execution",
            name="looked_at",
            field=models.DateTimeField(
                help_text="When it was last gone on with in the background.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="execution",
            name="state",
            field=django_fsm.FSMField(
                choices=[
                    ("running", "Running"),
                    ("cancelling", "Cancelling"),
                    ("completed", "Completed"),
                    ("cancelled", "Cancelled"),
                ],
                default="running",
                max_length=50,
                protected=True,
            ),
        ),
        migrations.AlterField(
            model_name="order",
            name="status",
            field=django_fsm.FSMField(
                choices=[
                    ("new", "New"),
                    ("refused", "Refused"),
                    ("handed", "Handed"),
                    ("filled", "Filled"),
                    ("rejected", "Rejected"),
                    ("cancelling", "Cancelling"),
                    ("cancelled", "Cancelled"),
                ],
                default="new",
                max_length=50,
                protected=True,
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("state__in", ["running", "cancelling"])),
                fields=["looked_at"],
                name="execution_open",
            ),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["execution", "status", "place"], name="orders_by_status"),
        ),
        migrations.AddConstraint(
            model_name="execution",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cancelled_at", None), ("completed_at", None), ("state", "running")),
                    models.Q(
                        ("cancelled_at__isnull", False),
                        ("completed_at", None),
                        ("state__in", ["cancelling", "cancelled"]),
                    ),
                    models.Q(("completed_at__isnull", False), ("state", "completed")),
                    _connector="OR",
                ),
                name="an_execution_runs_or_says_when_it_ended",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["new", "refused", "handed", "filled", "rejected", "cancelling", "cancelled"],
                    )
                ),
                name="an_order_is_in_a_known_status",
            ),
        ),
        migrations.AddField(
            model_name="executionworld",
            name="execution",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="held_worlds",
                to="rebalancing.execution",
            ),
        ),
        migrations.AddField(
            model_name="executionworld",
            name="world",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="worlds.world"
            ),
        ),
        migrations.AddConstraint(
            model_name="executionworld",
            constraint=models.UniqueConstraint(
                condition=models.Q(("released_at", None)),
                fields=("world",),
                name="one_open_execution_per_world",
            ),
        ),
        migrations.AddConstraint(
            model_name="executionworld",
            constraint=models.UniqueConstraint(
                fields=("execution", "world"), name="an_execution_holds_a_world_once"
            ),
        ),
        drop("rebalancing_execution", "state", EXECUTION_BEFORE),
        GuardLifecycle("rebalancing_execution", "state", EXECUTION),
        drop("rebalancing_order", "status", ORDER_BEFORE),
        GuardLifecycle("rebalancing_order", "status", ORDER),
        KeepColumns("rebalancing_executionworld", ["id", "execution_id", "world_id"]),
    ]

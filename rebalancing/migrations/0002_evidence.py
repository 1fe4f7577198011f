"""Plans, proposals, and the history of allocations and positions are evidence; executions and orders only move on."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from qmtl_site.ledger.forbid_change import ForbidChange
from qmtl_site.ledger.guard_lifecycle import GuardLifecycle
from qmtl_site.ledger.keep_columns import KeepColumns


class Migration(migrations.Migration):
    dependencies: ClassVar = [("rebalancing", "0001_initial")]
    operations: ClassVar = [
        ForbidChange("rebalancing_planrecord"),
        ForbidChange("rebalancing_planworld"),
        ForbidChange("rebalancing_proposal"),
        ForbidChange("rebalancing_allocationrecord"),
        ForbidChange("rebalancing_positionsnapshot"),
        GuardLifecycle("rebalancing_execution", "state", {"running": ["completed"]}),
        KeepColumns("rebalancing_execution", ["plan_id", "actor", "started_at"]),
        GuardLifecycle(
            "rebalancing_order",
            "status",
            {
                "new": ["refused", "handed", "filled", "rejected"],
                "refused": ["handed", "filled", "rejected"],
                "handed": ["filled", "rejected"],
            },
        ),
        KeepColumns(
            "rebalancing_order",
            [
                "id",
                "execution_id",
                "order_id",
                "place",
                "world_id",
                "mode",
                "purpose",
                "symbol",
                "venue",
                "side",
                "qty",
                "mark",
                "parts",
            ],
        ),
    ]

"""Decisions are evidence; promotions move along their lifecycle."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from qmtl_site.ledger.forbid_change import ForbidChange
from qmtl_site.ledger.guard_lifecycle import GuardLifecycle
from qmtl_site.ledger.keep_columns import KeepColumns


class Migration(migrations.Migration):
    dependencies: ClassVar = [("evaluation", "0005_decisions")]
    operations: ClassVar = [
        migrations.RunSQL(
            "INSERT INTO evaluation_evaluationturn (world_id, fence) SELECT id, 0 FROM worlds_world",
            migrations.RunSQL.noop,
        ),
        ForbidChange("evaluation_decision"),
        GuardLifecycle(
            "evaluation_promotion",
            "state",
            {"pending": ["approved", "rejected", "lapsed"], "approved": ["lapsed"]},
        ),
        KeepColumns("evaluation_promotion", ["id", "world_id", "strategy_id", "created_at"]),
    ]

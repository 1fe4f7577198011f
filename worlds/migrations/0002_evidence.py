"""Policy texts are evidence; states move along their lifecycles."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from qmtl_site.ledger.forbid_change import ForbidChange
from qmtl_site.ledger.guard_lifecycle import GuardLifecycle


class Migration(migrations.Migration):
    dependencies: ClassVar = [("worlds", "0001_initial")]
    operations: ClassVar = [
        ForbidChange("worlds_policytext"),
        GuardLifecycle(
            "worlds_world",
            "state",
            {
                "ACTIVE": ["EVALUATION_ONLY", "PAUSED", "RETIRED"],
                "EVALUATION_ONLY": ["ACTIVE", "PAUSED", "RETIRED"],
                "PAUSED": ["ACTIVE", "EVALUATION_ONLY", "RETIRED"],
            },
        ),
        GuardLifecycle(
            "worlds_policyversion",
            "state",
            {"draft": ["active"], "active": ["deprecated"], "deprecated": ["active"]},
        ),
    ]

"""Bindings move along their lifecycle."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from qmtl_site.ledger.guard_lifecycle import GuardLifecycle


class Migration(migrations.Migration):
    dependencies: ClassVar = [("strategies", "0001_initial")]
    operations: ClassVar = [
        GuardLifecycle(
            "strategies_binding",
            "state",
            {
                "submitted": ["validating", "rejected", "archived"],
                "validating": ["dry_run", "rejected", "archived"],
                "rejected": ["submitted", "archived"],
                "dry_run": ["live", "inactive", "archived"],
                "live": ["dry_run", "inactive", "archived"],
                "inactive": ["dry_run", "submitted", "archived"],
            },
        ),
    ]

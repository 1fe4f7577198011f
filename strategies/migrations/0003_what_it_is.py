"""A binding stays that of its strategy and world."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from qmtl_site.ledger.keep_columns import KeepColumns


class Migration(migrations.Migration):
    dependencies: ClassVar = [("strategies", "0002_lifecycle")]
    operations: ClassVar = [
        KeepColumns("strategies_strategy", ["id", "created_at"]),
        KeepColumns("strategies_binding", ["id", "world_id", "strategy_id", "created_at"]),
    ]

"""What code a holder runs is kept with the binding: the mask must not lift with his lease."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models

TAKE_OVER = """
UPDATE strategies_binding b SET running_code_hash = h.code_hash
FROM strategies_gatehold h JOIN strategies_gateclient c ON c.id = h.client_id
WHERE h.strategy_id = b.strategy_id AND c.world_id = b.world_id AND c.revoked_at IS NULL AND h.code_hash <> ''
  AND h.code_hash <> b.judged_code_hash
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("strategies", "0011_latest_series")]
    operations: ClassVar = [
        migrations.AddField(
            "binding",
            "running_code_hash",
            models.CharField(
                blank=True,
                default="",
                help_text="Code that a holder of its gate said he runs, and that was not the judged one.",
                max_length=128,
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(TAKE_OVER, migrations.RunSQL.noop),
    ]

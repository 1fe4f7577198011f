"""Executions that run already hold their worlds: of several in one world the first, the others are refused from now on."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

HOLD = """
INSERT INTO rebalancing_executionworld (execution_id, world_id)
SELECT DISTINCT ON (named.world_id) running.plan_id, named.world_id
FROM rebalancing_execution AS running JOIN rebalancing_planworld AS named ON named.plan_id = running.plan_id
WHERE running.state = 'running'
ORDER BY named.world_id, running.started_at, running.plan_id
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("rebalancing", "0005_one_execution_per_world")]
    operations: ClassVar = [migrations.RunSQL(HOLD, migrations.RunSQL.noop)]

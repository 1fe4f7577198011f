"""The history of gates and acknowledgements are evidence, applies keep to their lifecycle, epochs only rise."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from qmtl_site.ledger.forbid_change import ForbidChange
from qmtl_site.ledger.guard_lifecycle import GuardLifecycle
from qmtl_site.ledger.keep_columns import KeepColumns

EPOCHS = """
CREATE FUNCTION epochs_only_rise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'world %: epochs only rise', OLD.world_id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER epochs_only_rise BEFORE UPDATE ON strategies_gateauthority FOR EACH ROW
    WHEN ((NEW.incarnation, NEW.number) < (OLD.incarnation, OLD.number)) EXECUTE FUNCTION epochs_only_rise();
"""
UNDO_EPOCHS = """
DROP TRIGGER epochs_only_rise ON strategies_gateauthority;
DROP FUNCTION epochs_only_rise();
"""
# Worlds that were made before there were gates.
GIVE_AUTHORITY = """
INSERT INTO strategies_gateauthority (world_id, incarnation, number, cross_context_hits)
SELECT id, 1, 0, 0 FROM worlds_world ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("strategies", "0007_activation")]
    operations: ClassVar = [
        ForbidChange("strategies_activationrecord"),
        ForbidChange("strategies_applyack"),
        GuardLifecycle(
            "strategies_apply",
            "phase",
            {
                "requested": ["freeze", "rolled_back"],
                "freeze": ["switch", "rolled_back"],
                "switch": ["unfreeze"],
                "unfreeze": ["completed"],
            },
        ),
        KeepColumns(
            "strategies_apply",
            ["id", "world_id", "run_id", "plan_hash", "incarnation", "number", "created_at"],
        ),
        migrations.RunSQL(EPOCHS, UNDO_EPOCHS),
        migrations.RunSQL(GIVE_AUTHORITY, migrations.RunSQL.noop),
    ]

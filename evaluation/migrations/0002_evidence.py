"""Inputs, results, revisions, snapshots and trials are evidence; a judged run only moves on."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from qmtl_site.ledger.forbid_change import ForbidChange
from qmtl_site.ledger.guard_lifecycle import GuardLifecycle

# `evaluating > rejected` above: a failed backtest is judged and rejected in one statement of the same transaction.

# What a run is does not change, and a judged run changes only by moving on: its status, its reason, the time of it.
JUDGED_RUNS = """
CREATE FUNCTION judged_runs_only_move_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'runs are not deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF to_jsonb(NEW) - moving IS DISTINCT FROM to_jsonb(OLD) - moving THEN
        RAISE EXCEPTION 'what a run is does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.evaluated_at IS NOT NULL AND (
        NEW.status = OLD.status OR NEW.evaluated_at <> OLD.evaluated_at OR NEW.code_hash <> OLD.code_hash
    ) THEN
        RAISE EXCEPTION 'an evaluated run does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER judged_runs_only_move_on BEFORE UPDATE OR DELETE ON evaluation_evaluationrun
    FOR EACH ROW EXECUTE FUNCTION judged_runs_only_move_on();
""".replace("- moving", "- ARRAY['status', 'status_reason', 'updated_at', 'evaluated_at', 'code_hash']")
UNDO_JUDGED_RUNS = """
DROP TRIGGER judged_runs_only_move_on ON evaluation_evaluationrun;
DROP FUNCTION judged_runs_only_move_on();
"""
RUN_BELONGS = """
ALTER TABLE evaluation_evaluationrun ADD CONSTRAINT a_run_belongs_to_a_binding
    FOREIGN KEY (world_id, strategy_id) REFERENCES strategies_binding (world_id, strategy_id);
"""
UNDO_RUN_BELONGS = "ALTER TABLE evaluation_evaluationrun DROP CONSTRAINT a_run_belongs_to_a_binding;"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("evaluation", "0001_initial"), ("strategies", "0002_lifecycle")]
    operations: ClassVar = [
        ForbidChange("evaluation_runinput"),
        ForbidChange("evaluation_runresult"),
        ForbidChange("evaluation_runrevision"),
        ForbidChange("evaluation_snapshot"),
        ForbidChange("evaluation_trial"),
        GuardLifecycle(
            "evaluation_evaluationrun",
            "status",
            {
                "submitted": ["backtest_running", "evaluating", "expired"],
                "backtest_running": ["evaluating", "expired"],
                "evaluating": ["evaluated", "rejected", "expired"],
                "evaluated": ["activated", "rejected", "expired"],
                "activated": ["expired"],
                "rejected": ["expired"],
            },
        ),
        migrations.RunSQL(sql=JUDGED_RUNS, reverse_sql=UNDO_JUDGED_RUNS),
        migrations.RunSQL(sql=RUN_BELONGS, reverse_sql=UNDO_RUN_BELONGS),
    ]

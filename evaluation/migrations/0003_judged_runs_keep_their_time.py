"""A judged run keeps the time of its verdict: `<>` let it be taken away (NULL) while the run moved on."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

JUDGED_RUNS = """
CREATE OR REPLACE FUNCTION judged_runs_only_move_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'runs are not deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF to_jsonb(NEW) - moving IS DISTINCT FROM to_jsonb(OLD) - moving THEN
        RAISE EXCEPTION 'what a run is does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.evaluated_at IS NOT NULL AND (
        NEW.status = OLD.status
        OR NEW.evaluated_at IS DISTINCT FROM OLD.evaluated_at
        OR NEW.code_hash IS DISTINCT FROM OLD.code_hash
    ) THEN
        RAISE EXCEPTION 'an evaluated run does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
""".replace("- moving", "- ARRAY['status', 'status_reason', 'updated_at', 'evaluated_at', 'code_hash']")


class Migration(migrations.Migration):
    dependencies: ClassVar = [("evaluation", "0002_evidence")]
    operations: ClassVar = [migrations.RunSQL(sql=JUDGED_RUNS, reverse_sql=migrations.RunSQL.noop)]

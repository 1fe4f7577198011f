"""The time of a verdict comes with the verdict: a run that was never judged could be given one."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

ONLY_JUDGING = """
CREATE FUNCTION only_judging_says_when() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.evaluated_at IS NOT NULL AND NOT (OLD.status = 'evaluating' AND NEW.status IN ('evaluated', 'rejected'))
    THEN
        RAISE EXCEPTION 'only judging a run says when it was judged' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER only_judging_says_when BEFORE UPDATE ON evaluation_evaluationrun
    FOR EACH ROW WHEN (OLD.evaluated_at IS NULL) EXECUTE FUNCTION only_judging_says_when();
"""
UNDO_ONLY_JUDGING = """
DROP TRIGGER only_judging_says_when ON evaluation_evaluationrun;
DROP FUNCTION only_judging_says_when();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("evaluation", "0003_judged_runs_keep_their_time")]
    operations: ClassVar = [migrations.RunSQL(sql=ONLY_JUDGING, reverse_sql=UNDO_ONLY_JUDGING)]

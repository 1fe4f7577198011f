"""A policy version stays the one that results name; the terms of figures stay once they are frozen."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

from qmtl_site.ledger.keep_columns import KeepColumns

FROZEN_TERMS = """
CREATE FUNCTION frozen_terms_do_not_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'world % has evaluated runs: the terms of its figures are frozen', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER frozen_terms_do_not_change BEFORE UPDATE ON worlds_world FOR EACH ROW
    WHEN (OLD.figures_frozen_at IS NOT NULL AND (
        NEW.figures_frozen_at IS DISTINCT FROM OLD.figures_frozen_at
        OR NEW.periods_per_year <> OLD.periods_per_year
        OR NEW.risk_free_rate <> OLD.risk_free_rate
        OR NEW.reference_capital <> OLD.reference_capital
    ))
    EXECUTE FUNCTION frozen_terms_do_not_change();
"""
UNDO_FROZEN_TERMS = """
DROP TRIGGER frozen_terms_do_not_change ON worlds_world;
DROP FUNCTION frozen_terms_do_not_change();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("worlds", "0002_evidence")]
    operations: ClassVar = [
        KeepColumns("worlds_world", ["id", "created_at"]),
        KeepColumns("worlds_policyversion", ["id", "world_id", "version", "created_by_id", "created_at"]),
        migrations.RunSQL(sql=FROZEN_TERMS, reverse_sql=UNDO_FROZEN_TERMS),
    ]

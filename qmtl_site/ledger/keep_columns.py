"""The migration operation that keeps what a row is: columns that name it never change, and it is not deleted."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.migrations import RunSQL

FUNCTION = """
CREATE OR REPLACE FUNCTION what_it_is_does_not_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kept text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'rows of % are not deleted', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    FOREACH kept IN ARRAY string_to_array(TG_ARGV[0], ',') LOOP
        IF to_jsonb(OLD) -> kept IS DISTINCT FROM to_jsonb(NEW) -> kept THEN
            RAISE EXCEPTION '%.% does not change', TG_TABLE_NAME, kept USING ERRCODE = 'restrict_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
"""


class KeepColumns(RunSQL):
    """Refuse updates of the columns and deletion of rows, whatever the role."""

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        self.table, self.columns = table, columns
        super().__init__(
            sql=FUNCTION
            + f"""
            CREATE TRIGGER what_it_is_does_not_change BEFORE UPDATE OR DELETE ON "{table}"
                FOR EACH ROW EXECUTE FUNCTION what_it_is_does_not_change('{",".join(columns)}');
            """,
            reverse_sql=f'DROP TRIGGER IF EXISTS what_it_is_does_not_change ON "{table}";',
        )

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (self.__class__.__qualname__, [self.table, self.columns], {})

    def describe(self) -> str:
        return f"Keep {', '.join(self.columns)} of {self.table}"

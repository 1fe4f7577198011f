"""The migration operation that makes a table evidence."""

from __future__ import annotations

from django.db.migrations import RunSQL

FUNCTION = """
CREATE OR REPLACE FUNCTION evidence_does_not_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: this table is evidence and only takes new rows', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""


class ForbidChange(RunSQL):
    """Refuse UPDATE, DELETE and TRUNCATE on a table, whatever the role."""

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(
            sql=FUNCTION
            + f"""
            CREATE TRIGGER evidence_rows_do_not_change BEFORE UPDATE OR DELETE ON "{table}"
                FOR EACH ROW EXECUTE FUNCTION evidence_does_not_change();
            CREATE TRIGGER evidence_is_not_truncated BEFORE TRUNCATE ON "{table}"
                FOR EACH STATEMENT EXECUTE FUNCTION evidence_does_not_change();
            """,
            reverse_sql=f"""
            DROP TRIGGER IF EXISTS evidence_rows_do_not_change ON "{table}";
            DROP TRIGGER IF EXISTS evidence_is_not_truncated ON "{table}";
            """,
        )

    def deconstruct(self) -> tuple[str, list[str], dict[str, str]]:
        return (self.__class__.__qualname__, [self.table], {})

    def describe(self) -> str:
        return f"Refuse every change of rows in {self.table}"

"""The migration operation that keeps a state column on its lifecycle, whoever writes it.

django-fsm protects the field of an instance; `queryset.update()`, `Model(state=...)` and psql it does not see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.migrations import RunSQL

Transitions = Mapping[str, Sequence[str]]

FUNCTION = """
CREATE OR REPLACE FUNCTION lifecycle_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before text := to_jsonb(OLD) ->> TG_ARGV[0];
    after text := to_jsonb(NEW) ->> TG_ARGV[0];
BEGIN
    IF before IS DISTINCT FROM after AND NOT (before || '>' || after) = ANY (string_to_array(TG_ARGV[1], ',')) THEN
        RAISE EXCEPTION '%.% does not go from % to %', TG_TABLE_NAME, TG_ARGV[0], before, after
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""


class GuardLifecycle(RunSQL):
    """Refuse updates of `column` that are not among `transitions` ({before: [after, ...]})."""

    def __init__(self, table: str, column: str, transitions: Transitions) -> None:
        self.table, self.column, self.transitions = table, column, transitions
        pairs = ",".join(f"{before}>{after}" for before, afters in transitions.items() for after in afters)
        super().__init__(
            sql=FUNCTION
            + f"""
            CREATE TRIGGER lifecycle_is_kept BEFORE UPDATE ON "{table}"
                FOR EACH ROW EXECUTE FUNCTION lifecycle_is_kept('{column}', '{pairs}');
            """,
            reverse_sql=f'DROP TRIGGER IF EXISTS lifecycle_is_kept ON "{table}";',
        )

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return (self.__class__.__qualname__, [self.table, self.column, self.transitions], {})

    def describe(self) -> str:
        return f"Keep {self.table}.{self.column} on its lifecycle"

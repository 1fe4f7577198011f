"""What the newest decision of a world leaves on its bindings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime

from qmtl_site.database import native_cursor
from qmtl_site.ledger.transactions import use_case

# In the order in which everybody locks bindings: an UPDATE takes its rows in any.
IN_ORDER = "SELECT FROM strategies_binding WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
# One statement, and only where something differs: asking again rewrites nothing.
KEEP = """
UPDATE strategies_binding b SET
    consecutive_passes = n.passes, consecutive_failures = n.failures,
    passing_since = n.passing_since, failing_since = n.failing_since,
    last_counted_run = n.counted_run, last_counted_slot = n.counted_slot,
    last_outcome = n.outcome, last_reason = n.reason, last_rank = n.rank, last_score = n.score
FROM unnest(
    %s::bigint[], %s::int[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::timestamptz[],
    %s::text[], %s::text[], %s::int[], %s::float8[]
) AS n (id, passes, failures, passing_since, failing_since, counted_run, counted_slot, outcome, reason, rank, score)
WHERE b.id = n.id AND (
    b.consecutive_passes, b.consecutive_failures, b.passing_since, b.failing_since, b.last_counted_run,
    b.last_counted_slot, b.last_outcome, b.last_reason, b.last_rank, b.last_score
) IS DISTINCT FROM (
    n.passes, n.failures, n.passing_since, n.failing_since, n.counted_run, n.counted_slot, n.outcome, n.reason,
    n.rank, n.score
)
"""


@dataclass(frozen=True)
class Standing:
    """A binding after a decision: its counters, and the newest word about it."""

    binding_id: int
    passes: int
    failures: int
    passing_since: datetime | None
    failing_since: datetime | None
    counted_run: str
    counted_slot: datetime | None
    outcome: str
    reason: str
    rank: int | None
    score: float | None


@use_case
def record_standings(*, standings: Sequence[Standing]) -> None:
    """Keep them all; the world's turn is held, so that nobody else counts."""
    if not standings:
        return
    columns = [list(column) for column in zip(*map(astuple, standings), strict=True)]
    with native_cursor() as cursor:
        cursor.execute(IN_ORDER, [columns[0]])
        cursor.execute(KEEP, columns)


@use_case
def record_measured(*, revisions: Mapping[int, int]) -> None:
    """Up to which revision of its performance each binding has been turned into a run."""
    with native_cursor() as cursor:
        cursor.execute(IN_ORDER, [list(revisions)])
        cursor.execute(
            "UPDATE strategies_binding b SET measured_revision = n.revision"
            " FROM unnest(%s::bigint[], %s::bigint[]) AS n (id, revision) WHERE b.id = n.id",
            [list(revisions), list(revisions.values())],
        )

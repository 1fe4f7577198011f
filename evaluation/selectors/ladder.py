"""A world's strategies by rung: the first of each column, how many there are, and their newest returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Case, CharField, Count, F, Value, When, Window
from django.db.models.functions import RowNumber
from numpy.typing import NDArray

from qmtl_site.blobs import store
from qmtl_site.database import native_cursor
from strategies.models import Binding

PER_RUNG = 50
# The columns of the ladder, from the bottom up; what has ended is on none.
RUNGS: dict[str, tuple[str, ...]] = {
    "submitted": ("submitted", "validating"),
    "dry_run": ("dry_run",),
    "live": ("live",),
    "stopped": ("inactive", "rejected"),
}
# The newest points of a record are enough to see where it goes, however long it is; and long records live
# outside of the database, where fetching each would be a request of its own.
TAIL_BYTES = 8 * 2520
SPARKS = """
SELECT r.strategy_id, r.id, substr(b.data, greatest(1, b.size - %(tail)s + 1)::int)
FROM unnest(%(strategies)s::text[], %(runs)s::text[]) AS wanted (strategy_id, run_id)
JOIN evaluation_evaluationrun r
  ON r.world_id = %(world)s AND r.strategy_id = wanted.strategy_id AND r.run_id = wanted.run_id
LEFT JOIN evaluation_runinput i ON i.run_id = r.id
LEFT JOIN blobs_blob b ON b.sha256 = i.returns_id
"""


@dataclass(frozen=True)
class NewestRun:
    """A binding's newest judged run; `returns` None where it brought none, or where they are kept outside."""

    key: int
    returns: NDArray[np.float64] | None


def ladder_bindings(world_id: str) -> list[Binding]:
    """The first of each rung: the best ranked, then the newest. One statement."""
    rung = Case(
        *(When(state__in=states, then=Value(name)) for name, states in RUNGS.items()),
        output_field=CharField(),
    )
    place = Window(
        RowNumber(),
        partition_by=rung,
        order_by=[F("last_rank").asc(nulls_last=True), F("created_at").desc(), F("id").desc()],
    )
    rows = Binding.objects.filter(world_id=world_id).exclude(state="archived").annotate(place=place)
    shown = rows.filter(place__lte=PER_RUNG).select_related("strategy", "latest")
    return list(shown.order_by("place"))


def counts_by_state(world_id: str) -> dict[str, int]:
    rows = Binding.objects.filter(world_id=world_id).order_by().values_list("state")
    return dict(rows.annotate(count=Count("id")))


def newest_runs(world_id: str, bindings: Sequence[Binding]) -> dict[str, NewestRun]:
    """By strategy, the newest judged run of each with the end of its returns. One statement for all."""
    latest = {row.strategy_id: row.latest.run_id for row in bindings if hasattr(row, "latest")}
    if not latest:
        return {}
    with native_cursor() as cursor:
        wanted = {
            "world": world_id,
            "strategies": list(latest),
            "runs": list(latest.values()),
            "tail": TAIL_BYTES,
        }
        rows = cursor.execute(SPARKS, wanted, binary=True).fetchall()
    return {name: NewestRun(key, None if data is None else store.floats(data)) for name, key, data in rows}

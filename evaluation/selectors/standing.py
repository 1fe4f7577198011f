"""The evidence on which a strategy may go live: its newest judged paper run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from qmtl_site.database import native_cursor

NEWEST = """
SELECT DISTINCT ON (r.strategy_id) r.strategy_id, r.id, s.verdict,
       i.returns_id IS NOT NULL OR i.equity_id IS NOT NULL AS has_returns, i.document
FROM evaluation_evaluationrun r
JOIN evaluation_runresult s ON s.run_id = r.id
JOIN evaluation_runinput i ON i.run_id = r.id
WHERE r.world_id = %s AND r.strategy_id = ANY(%s) AND r.stage = 'paper' AND r.evaluated_at IS NOT NULL
ORDER BY r.strategy_id, r.evaluated_at DESC, r.id DESC
"""


@dataclass(frozen=True)
class NewestPaper:
    key: int
    verdict: str
    has_returns: bool
    dataset_fingerprint: str | None


def newest_papers(world_id: str, strategies: Sequence[str]) -> dict[str, NewestPaper]:
    """By strategy, the paper run that was judged last, whatever its status became since."""
    with native_cursor() as cursor:
        rows = cursor.execute(NEWEST, [world_id, list(strategies)]).fetchall()
    return {
        name: NewestPaper(key, verdict, has_returns, fingerprint_in(document))
        for name, key, verdict, has_returns, document in rows
    }


def fingerprint_in(document: str) -> str | None:
    """Of the data that a run says it was made from."""
    told: str | None = (orjson.loads(document).get("meta") or {}).get("dataset_fingerprint")
    return told

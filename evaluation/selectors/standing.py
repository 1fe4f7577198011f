"""The evidence on which a strategy may go live: its newest judged paper run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from evaluation.models import EvaluationRun


@dataclass(frozen=True)
class NewestPaper:
    key: int
    verdict: str
    has_returns: bool
    dataset_fingerprint: str | None


def newest_papers(world_id: str, strategies: Sequence[str]) -> dict[str, NewestPaper]:
    """By strategy, the paper run that was judged last, whatever its status became since."""
    rows = (
        EvaluationRun.objects.filter(
            world_id=world_id, strategy__in=strategies, stage="paper", evaluated_at__isnull=False
        )
        .order_by("strategy", "-evaluated_at", "-id")
        .distinct("strategy")
        .select_related("result", "input")
    )
    return {run.strategy_id: paper_of(run) for run in rows}


def paper_of(run: EvaluationRun) -> NewestPaper:
    told = orjson.loads(run.input.document)
    return NewestPaper(
        key=run.pk,
        verdict=run.result.verdict,
        has_returns=run.input.returns_id is not None or run.input.equity_id is not None,
        dataset_fingerprint=(told.get("meta") or {}).get("dataset_fingerprint"),
    )

"""The database itself keeps what was reported: chunks grow, and nothing moves to another stay."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from strategies.models import PerformanceChunk, PerformanceSeries
from tests.api import ApiClient
from tests.strategies.reporting import days, taken

CHANGES: dict[str, tuple[type[models.Model], dict[str, Any]]] = {
    "a shorter chunk": (
        PerformanceChunk,
        {"count": 1, **dict.fromkeys(("times", "returns", "pnl", "equity", "trades"), bytes(8))},
    ),
    "a chunk of another year": (PerformanceChunk, {"year": 2023}),
    "a series of another stay": (PerformanceSeries, {"stay": timezone.now()}),
    "a series of another mode": (PerformanceSeries, {"mode": "live"}),
}


@pytest.mark.parametrize(("model", "changes"), CHANGES.values(), ids=CHANGES.keys())
def test_what_was_reported_does_not_move_or_shrink(
    paper: ApiClient, model: type[models.Model], changes: dict[str, Any]
) -> None:
    taken(paper, days(1, 2))
    with pytest.raises(IntegrityError), transaction.atomic():
        model._default_manager.update(**changes)


@pytest.mark.parametrize("model", [PerformanceChunk, PerformanceSeries])
def test_what_was_reported_is_not_deleted(paper: ApiClient, model: type[models.Model]) -> None:
    taken(paper, days(1, 2))
    rows = model._default_manager.all()
    with pytest.raises(IntegrityError), transaction.atomic():
        rows._raw_delete(rows.db)

"""Pages of a strategy's fills, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from qmtl_site.http.pagination import page
from qmtl_site.http.refusals import NotFound
from strategies.models import Binding, Fill


def fills_page(
    world_id: str,
    strategy_id: str,
    params: Mapping[str, str],
    *,
    start: datetime | None,
    end: datetime | None,
) -> dict[str, Any]:
    """`{items, next_cursor}` in two queries. NotFound where the strategy is not bound to the world."""
    binding = Binding.objects.filter(world=world_id, strategy=strategy_id).first()
    if binding is None:
        raise NotFound(f"Strategy {strategy_id!r} is not bound to {world_id}")
    rows = fills_of(binding)
    for name in ("mode", "symbol", "order_id"):
        if value := params.get(name):
            rows = rows.filter(**{name: value.replace("\0", "")})
    if start:
        rows = rows.filter(ts__gte=start)
    if end:
        rows = rows.filter(ts__lt=end)
    return page(rows, params, fill_document, created="ts")


def fills_of(binding: Binding) -> QuerySet[Fill]:
    return Fill.objects.filter(binding=binding)


def fill_document(fill: Fill) -> dict[str, Any]:
    """Exact numbers as text, as an order's were written."""
    return {
        "fill_id": fill.fill_id,
        "order_id": fill.order_id,
        "ts": fill.ts,
        "symbol": fill.symbol,
        "venue": fill.venue or None,
        "side": fill.side,
        **{name: f"{getattr(fill, name).normalize():f}" for name in ("qty", "price", "fee")},
        "mode": fill.mode,
        "reported_by": fill.reported_by,
        "reported_at": fill.reported_at,
    }

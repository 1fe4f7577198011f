"""How much each world has, as it was last said, and whether that still holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from fractions import Fraction
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now

from rebalancing.domain.decimals import exact
from rebalancing.models import Allocation, PlanWorld
from rebalancing.models.execution import OPEN
from strategies.models import Apply
from worlds.models import World


def with_staleness(rows: QuerySet[Allocation]) -> QuerySet[Allocation]:
    """`stale`: it is older than `QMTL_ALLOCATION_MAX_AGE`, or than the last time that other strategies went live."""
    since = Apply.objects.filter(
        world=OuterRef("world_id"), phase=Apply.Phase.COMPLETED, settled_at__gt=OuterRef("updated_at")
    )
    limit: timedelta = settings.ALLOCATION_MAX_AGE
    return rows.annotate(stale=Exists(since) | Q(updated_at__lt=Now() - limit))


def allocation_documents(worlds: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
    rows = with_staleness(Allocation.objects.all())
    if worlds is not None:
        rows = rows.filter(world__in=list(worlds))
    return {row.world_id: allocation_document(row) for row in rows.order_by("world_id")}


def allocation_document(row: Any) -> dict[str, Any]:
    return {
        "allocation": float(row.allocation),
        "strategy_alloc_total": {name: float(text) for name, text in row.strategies.items()},
        "total_equity": float(row.total_equity),
        "run_id": row.run_id,
        "etag": row.etag,
        "updated_at": row.updated_at,
        "stale": bool(row.stale),
    }


def shares_of_worlds() -> dict[str, Fraction]:
    """What each world that is not retired has; one that a rebalancing is under way in, at least what that gives it.

    One statement, so that an execution that ends meanwhile is seen as open or as done, and never as neither.
    """
    planned = PlanWorld.objects.filter(world=OuterRef("pk"), plan__execution__state__in=OPEN)
    rows = World.objects.exclude(state=World.State.RETIRED).annotate(
        stored=F("allocation__allocation"), planned=Subquery(planned.order_by("-after").values("after")[:1])
    )
    found = rows.exclude(stored=None, planned=None).values_list("pk", "stored", "planned")
    return {world: max(Fraction(stored or 0), exact(planned or 0.0)) for world, stored, planned in found}


def current_etags(worlds: Collection[str]) -> dict[str, str]:
    return dict(Allocation.objects.filter(world__in=worlds).values_list("world_id", F("etag")))

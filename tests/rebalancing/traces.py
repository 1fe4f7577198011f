"""One row in each table of rebalancing, for tests that go through all tables."""

from __future__ import annotations

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from rebalancing.models import ExecutionWorld, Proposal
from rebalancing.schemas import Allocate, ApplyPlan
from rebalancing.services import allocate, apply_plan, execute_plan


def leave_traces(actor: Actor) -> None:
    """`mom` of `alpha`, which trades on paper, is cut by half."""
    positions = [{"world_id": "alpha", "strategy_id": "mom", "symbol": "BTC", "qty": 2, "mark": 10}]
    said = {"run_id": "a1", "total_equity": 100, "world_allocations": {"alpha": 0.2}, "positions": positions}
    allocate(asked=Allocate.model_validate(said), payload=said, actor=actor)
    plan = {
        "run_id": "p1",
        "total_equity": 100,
        "world_alloc_before": {"alpha": 0.2},
        "world_alloc_after": {"alpha": 0.1},
        "positions": positions,
    }
    apply_plan(asked=ApplyPlan.model_validate(plan), payload=plan, actor=actor)
    execute_plan(run_id="p1", actor=actor)
    ExecutionWorld.objects.update(released_at=None)  # as while it was under way
    told = {"request": "{}", "answer": "{}", "created_at": timezone.now()}
    Proposal(world_id="alpha", origin="promotion", cause="x", **told).save()

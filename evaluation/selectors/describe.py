"""A world at a glance."""

from __future__ import annotations

from typing import Any

from django.db.models import Count

from evaluation.models import EvaluationRun
from strategies.models import Binding
from worlds.selectors import get_world, policies_of, policy_summary, world_document


def describe(world_id: str) -> dict[str, Any]:
    """World, active policy, counts by state, last and next evaluation."""
    runs = EvaluationRun.objects.filter(world_id=world_id)
    active = policies_of(world_id).filter(state="active").first()
    bindings = Binding.objects.filter(world_id=world_id).values_list("state").annotate(count=Count("id"))
    statuses = runs.values_list("status").annotate(count=Count("id"))
    world = get_world(world_id)
    return {
        "world": world_document(world),
        "active_policy": policy_summary(active) if active else None,
        "bindings_by_state": dict.fromkeys(Binding.State.values, 0) | dict(bindings.order_by()),
        "runs_by_status": dict.fromkeys(EvaluationRun.Status.values, 0) | dict(statuses.order_by()),
        "last_evaluation": world.last_evaluation_at,
        "next_evaluation": world.next_evaluation_at,
    }

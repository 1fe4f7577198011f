"""Reads of bindings: state, effective mode, latest figures."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from strategies.domain.modes import effective_mode, execution_domain, is_stale
from strategies.models import Binding, LatestFigures, Node


def bindings_of(world_id: str) -> QuerySet[Binding]:
    rows = Binding.objects.filter(world_id=world_id).select_related("world", "strategy", "latest")
    return with_node_errors(rows)


def with_node_errors(rows: QuerySet[Binding]) -> QuerySet[Binding]:
    """With `node_error`: whether one of its nodes is in error."""
    return rows.annotate(node_error=Exists(Node.objects.filter(binding=OuterRef("pk"), state="error")))


def mode_of(binding: Binding) -> str:
    """As the world, the state and the nodes say (`with_node_errors`); who holds its gate is looked at where gates are
    read."""
    world = binding.world
    return effective_mode(
        binding_state=binding.state,
        world_state=world.state,
        allow_live=world.allow_live,
        circuit_breaker=world.circuit_breaker,
        stale=is_stale(world.decision_stale_at, timezone.now()),
        node_error=bool(getattr(binding, "node_error", False)),
    ).mode


def binding_document(binding: Binding) -> dict[str, Any]:
    mode = mode_of(binding)
    return {
        "world_id": binding.world_id,
        "strategy_id": binding.strategy_id,
        "name": binding.strategy.name,
        "family": binding.strategy.family,
        "state": binding.state,
        "state_since": binding.state_since,
        "effective_mode": mode,
        "execution_domain": execution_domain(mode),
        "consecutive_passes": binding.consecutive_passes,
        "consecutive_failures": binding.consecutive_failures,
        "created_at": binding.created_at,
        "latest": latest_document(getattr(binding, "latest", None)),
    }


def latest_document(latest: LatestFigures | None) -> dict[str, Any] | None:
    if latest is None:
        return None
    shown = ("run_id", "stage", "verdict", "recommended_stage", "evaluated_at", "figures")
    return {name: getattr(latest, name) for name in shown}

"""Reads of strategies and bindings."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from qmtl_site.http.refusals import NotFound
from strategies.domain.modes import effective_mode, execution_domain
from strategies.models import Binding, LatestFigures, Strategy


def visible_strategies(*, user_id: int, is_superuser: bool) -> QuerySet[Strategy]:
    """One's own, and those bound in a world in which one has a role."""
    strategies = Strategy.objects.select_related("owner")
    if is_superuser:
        return strategies
    bound = Binding.objects.filter(strategy=OuterRef("pk"), world__roles__user_id=user_id)
    return strategies.filter(Q(owner_id=user_id) | Exists(bound))


def get_strategy(strategy_id: str, *, user_id: int, is_superuser: bool) -> Strategy:
    found = visible_strategies(user_id=user_id, is_superuser=is_superuser).filter(pk=strategy_id).first()
    if found is None:
        raise NotFound(f"There is no strategy {strategy_id!r} that you may see")
    return found


def strategy_document(strategy: Strategy) -> dict[str, Any]:
    shown = (
        "id",
        "name",
        "version",
        "family",
        "tags",
        "side",
        "model_card",
        "code_hash",
        "created_at",
        "updated_at",
    )
    return {**{name: getattr(strategy, name) for name in shown}, "owner": strategy.owner.username}


def bindings_of(world_id: str) -> QuerySet[Binding]:
    return Binding.objects.filter(world_id=world_id).select_related("world", "strategy", "latest")


def mode_of(binding: Binding) -> str:
    world = binding.world
    return effective_mode(
        binding_state=binding.state,
        world_state=world.state,
        allow_live=world.allow_live,
        circuit_breaker=world.circuit_breaker,
    )


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

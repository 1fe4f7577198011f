"""Reads of strategies."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from qmtl_site.http.refusals import NotFound
from strategies.models import Binding, Strategy


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

"""Reads of decisions and promotions."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from evaluation.models import Decision, Promotion
from qmtl_site.http.refusals import NotFound


def decisions_of(world_id: str) -> QuerySet[Decision]:
    """Without their documents, which are long."""
    return Decision.objects.filter(world_id=world_id).defer("document")


def get_decision(world_id: str, decision_id: str) -> Decision:
    """A decision by its id; `latest` is the newest of the world."""
    rows = Decision.objects.filter(world_id=world_id)
    found = (
        rows.order_by("-number").first()
        if decision_id == "latest"
        else rows.filter(decision_id=decision_id).first()
    )
    if found is None:
        raise NotFound(f"World {world_id} has no decision {decision_id!r}")
    return found


def decision_summary(decision: Decision) -> dict[str, Any]:
    shown = ("decision_id", "number", "policy_version", "as_of", "slot", "promoted", "demoted", "made_by")
    return {
        **{name: getattr(decision, name) for name in shown},
        "sha256": decision.sha256,
        "link": f"/worlds/{decision.world_id}/decisions/{decision.decision_id}",
    }


def promotions_of(world_id: str) -> QuerySet[Promotion]:
    return (
        Promotion.objects.filter(world_id=world_id)
        .select_related("decision", "decided_by")
        .defer("decision__document")
    )


def promotion_document(promotion: Promotion) -> dict[str, Any]:
    return {
        "promotion_id": promotion.pk,
        "world_id": promotion.world_id,
        "strategy_id": promotion.strategy_id,
        "decision_id": promotion.decision.decision_id,
        "state": promotion.state,
        "decided_by": promotion.decided_by.username if promotion.decided_by else None,
        "reason": promotion.reason,
        "created_at": promotion.created_at,
        "updated_at": promotion.updated_at,
    }

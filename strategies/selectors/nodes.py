"""Reads of nodes: of one strategy, and those in error of a world."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from qmtl_site.http.refusals import NotFound
from strategies.models import Binding, Node


def nodes_document(world_id: str, strategy_id: str) -> dict[str, Any]:
    """`{world_id, strategy_id, nodes[]}` by name, in two queries."""
    binding = Binding.objects.filter(world=world_id, strategy=strategy_id).first()
    if binding is None:
        raise NotFound(f"Strategy {strategy_id!r} is not bound to {world_id}")
    nodes = [node_document(node) for node in nodes_of(binding)]
    return {"world_id": world_id, "strategy_id": strategy_id, "nodes": nodes}


def nodes_of(binding: Binding) -> QuerySet[Node]:
    return Node.objects.filter(binding=binding).order_by("name")


def nodes_in_error(world_id: str) -> QuerySet[Node]:
    """Longest in error first."""
    rows = Node.objects.filter(binding__world=world_id, state=Node.State.ERROR).exclude(
        binding__state="archived"
    )
    return rows.select_related("binding").order_by("state_since", "id")


def node_document(node: Node) -> dict[str, Any]:
    return {
        "node": node.name,
        "state": node.state,
        "state_since": node.state_since,
        "period": node.period,
        "received": node.received,
        "error": node.error or None,
        "reported_at": node.reported_at,
    }

"""Edges between a graph's nodes and a live domain: set by policies with an apply, or by hand."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from strategies.domain.plans import EdgeName
from strategies.events import EdgeChanged
from strategies.models import EdgeOverride
from worlds.models import World
from worlds.services import lock_world


@use_case
def override_edge(*, world_id: str, edge: EdgeName, active: bool, reason: str, actor: Actor) -> EdgeOverride:
    """Turn an edge on or off by hand."""
    world = lock_world(world_id)
    set_edges(world=world, edges=[edge], active=active, reason=reason, actor=actor)
    return EdgeOverride.objects.get(world=world, src_node=edge.src_node, dst_node=edge.dst_node)


@use_case
def set_edges(*, world: World, edges: Sequence[EdgeName], active: bool, reason: str, actor: Actor) -> None:
    """Set edges of a locked world; what stands so already is left alone."""
    if not edges:
        return
    known = {(row.src_node, row.dst_node): row for row in EdgeOverride.objects.filter(world=world)}
    now = timezone.now()
    for edge in edges:
        row = known.get((edge.src_node, edge.dst_node))
        if row is None:
            row = EdgeOverride(world=world, src_node=edge.src_node, dst_node=edge.dst_node)
        elif row.active == active:
            continue
        row.active, row.reason, row.changed_by, row.changed_at = active, reason[:2000], actor.name, now
        row.save()
        tell_edge(row, actor)


def tell_edge(row: EdgeOverride, actor: Actor) -> None:
    record(
        actor,
        "edge.override",
        object_type="edge",
        object_id=f"{row.world_id}/{row.src_node}>{row.dst_node}"[:400],
        world_id=row.world_id,
        active=row.active,
        reason=row.reason,
    )
    emit(
        EdgeChanged(
            world_id=row.world_id,
            src_node=row.src_node,
            dst_node=row.dst_node,
            active=row.active,
            reason=row.reason,
        )
    )

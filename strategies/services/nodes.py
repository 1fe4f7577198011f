"""Nodes report how far they are: data, but for errors and resets, which change what a strategy may do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from qmtl.contracts.nodes import MOST_NODES
from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.refusals import Fault, IllegalTransition, Invalid, NotFound
from qmtl_site.ledger.transactions import use_case
from strategies.domain.nodes import NodeReport, transition_of, ways_out
from strategies.models import Binding, Node
from worlds.errors import WorldRetired

MOVED = ["state", "state_since", "period", "received", "error", "reported_at"]


@use_case
def report_nodes(
    *, world_id: str, strategy_id: str, posted: Sequence[NodeReport], actor: Actor
) -> list[Node]:
    """Keep what is reported; nodes that are not named stay as they are. A node in error is left by a reset alone.

    The binding is not locked: its rows of nodes are, in the order of their names.
    """
    binding = reporting_binding(world_id, strategy_id)
    now = timezone.now()
    nodes = locked_nodes(binding, [report.node for report in posted], now)
    for place, report in enumerate(posted):
        move(binding, nodes[report.node], report, place=place, now=now, actor=actor)
    Node.objects.bulk_update(nodes.values(), MOVED)
    return list(nodes.values())


@use_case
def reset_node(*, node_id: int, reason: str, actor: Actor) -> Node:
    """An operator takes a node out of its error: its strategy may do again what its state and its world allow."""
    node = Node.objects.select_for_update(no_key=True, of=("self",)).select_related("binding").get(pk=node_id)
    if node.state != Node.State.ERROR:
        raise IllegalTransition(f"{node.name} is {node.state}, not in error", current=node.state, open=[])
    now = timezone.now()
    tell_reset(node.binding, node, actor, reason=reason)
    node.reset()
    node.state_since, node.received, node.error = now, 0, ""
    node.save(update_fields=MOVED)
    return node


# --- parts of the use cases above -------------------------------------------------------------------------
def reporting_binding(world_id: str, strategy_id: str) -> Binding:
    rows = Binding.objects.select_related("world").filter(world=world_id, strategy=strategy_id)
    binding = rows.first()
    if binding is None:
        raise NotFound(f"Strategy {strategy_id!r} is not bound to {world_id}")
    if binding.world.is_retired:
        raise WorldRetired()
    return binding


def locked_nodes(binding: Binding, names: Sequence[str], now: datetime) -> dict[str, Node]:
    """Nodes by name, made where they were not known; Invalid where there would be too many."""
    rows = Node.objects.select_for_update(no_key=True).filter(binding=binding, name__in=names)
    known = {node.name: node for node in rows.order_by("name")}
    missing = sorted(set(names) - known.keys())
    if missing:
        if Node.objects.filter(binding=binding).count() + len(missing) > MOST_NODES:
            raise Invalid.at("/nodes", f"a strategy has at most {MOST_NODES} nodes")
        new = [Node(binding=binding, name=name, state_since=now, reported_at=now) for name in missing]
        # Another report may make them at the same time; both then find the same rows.
        Node.objects.bulk_create(new, ignore_conflicts=True)
        known |= {node.name: node for node in rows.filter(name__in=missing).order_by("name")}
    return known


def move(
    binding: Binding, node: Node, report: NodeReport, *, place: int, now: datetime, actor: Actor
) -> None:
    try:
        transition = transition_of(node.state, report.state)
    except ValueError as error:
        told = f"{node.name}: {error}"
        if node.state == Node.State.ERROR:
            told += "; reset it first, by reporting it as initialized"
        raise IllegalTransition(
            told,
            faults=[Fault(f"/nodes/{place}/state", told)],
            current=node.state,
            open=ways_out(node.state),
        ) from None
    if transition is not None:
        if node.state == Node.State.ERROR:
            tell_reset(binding, node, actor, reason="reported by its runner")
        getattr(node, transition)()
        node.state_since = now
        if node.state == Node.State.ERROR:
            tell(binding, node, "node.fail", actor, error=report.error)
    node.period, node.received, node.error = report.period, report.received, report.error
    node.reported_at = now


def tell_reset(binding: Binding, node: Node, actor: Actor, *, reason: str) -> None:
    tell(binding, node, "node.reset", actor, error=node.error, reason=reason)


def tell(binding: Binding, node: Node, action: str, actor: Actor, **details: object) -> None:
    record(
        actor,
        action,
        object_type="node",
        object_id=f"{binding.world_id}/{binding.strategy_id}/{node.name}"[:400],
        world_id=binding.world_id,
        **details,
    )

"""What an execution says in each of its worlds: an act in the audit, an event with the orders of that world."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.outbox.events import emit
from rebalancing.domain.contract import narrowed
from rebalancing.events import RebalancingApplied
from rebalancing.models import Execution, Order, PlanRecord
from rebalancing.selectors.executions import Shown, order_documents
from rebalancing.selectors.reported import worlds_in


def note_act(
    row: PlanRecord,
    execution: Execution,
    worlds: Sequence[str],
    shown: Shown,
    *,
    action: str,
    actor: Actor,
    reason: str,
) -> None:
    """In each world, how its orders stand; of very many orders how many there are of each status."""
    named = orders_by_world(shown.orders, order_documents(shown.orders)) if shown.is_whole else {}
    for world in worlds:
        statuses = {each["order_id"]: each["status"] for each in named.get(world, [])}
        record(
            actor,
            action,
            object_type="rebalancing",
            object_id=row.run_id,
            world_id=world,
            status=str(execution.state),
            orders=statuses if shown.is_whole else dict(shown.counts),
            reason=reason,
        )


def tell(
    execution: Execution,
    worlds: Sequence[str],
    document: Mapping[str, Any],
    orders: Sequence[Order],
) -> None:
    """`document`: of the plan; `orders`: those that are told of, to each world its own part of them."""
    named = orders_by_world(orders, order_documents(orders))
    for world in worlds:
        told = RebalancingApplied(
            world_id=world,
            status=str(execution.state),
            orders=named.get(world, []),
            **narrowed(document, world),
        )
        emit(told)


def orders_by_world(
    orders: Sequence[Order], documents: Sequence[dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Documents of the orders in which each world has a part."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for order, document in zip(orders, documents, strict=True):
        for world in sorted(worlds_in(order)):
            found[world].append(own_part(document, world))
    return found


def own_part(order: dict[str, Any], world: str) -> dict[str, Any]:
    """An order of a shared account as one world's readers may see it: without the others and their parts."""
    own = {name: value for name, value in order.items() if name != "worlds"}
    return {**own, "parts": [part for part in order["parts"] if part["world_id"] == world]}

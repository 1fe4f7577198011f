"""`POST /allocations`: say what holds, or have it done and say it then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qmtl_site.audit.actor import Actor
from qmtl_site.ledger.transactions import use_case
from rebalancing.domain.contract import NEWEST
from rebalancing.models import Allocation
from rebalancing.schemas import Allocate, ApplyPlan
from rebalancing.selectors.allocations import allocation_documents
from rebalancing.services.allocations import set_allocations
from rebalancing.services.applying import apply_plan
from rebalancing.services.executing import execute_plan


@use_case
def allocate(*, asked: Allocate, payload: Mapping[str, Any], actor: Actor) -> tuple[dict[str, Any], bool]:
    """The allocations of the worlds named, and whether this call is the first with its run id.

    With `execute` the way there from what was allocated before is planned, recorded and executed; the allocations
    change when every order is filled.
    """
    execution = None
    if asked.execute:
        plan = plan_payload(asked, payload)
        row, is_new = apply_plan(
            asked=ApplyPlan.model_validate(plan), payload=plan, identity=payload, actor=actor
        )
        etag = row.payload_hash[:32]
        execution = execute_plan(run_id=asked.run_id, actor=actor, reason=asked.reason or "")
    else:
        etag, is_new = set_allocations(asked=asked, payload=payload, actor=actor)
    document = {
        "run_id": asked.run_id,
        "etag": etag,
        "allocations": allocation_documents(asked.world_allocations),
        "execution": execution,
    }
    return {name: value for name, value in document.items() if value is not None}, is_new


def plan_payload(asked: Allocate, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The way from what is allocated now; a world that had nothing has nothing to scale."""
    known = {row.world_id: row for row in Allocation.objects.filter(world__in=asked.world_allocations)}
    plan = {
        "run_id": asked.run_id,
        "total_equity": payload["total_equity"],
        "world_alloc_before": {
            world: f"{known[world].allocation.normalize():f}" if world in known else 0
            for world in asked.world_allocations
        },
        "world_alloc_after": payload["world_allocations"],
        "positions": payload["positions"],
        "schema_version": NEWEST,
    }
    if asked.strategy_alloc_after_total:
        plan["strategy_alloc_after_total"] = payload["strategy_alloc_after_total"]
        if before := {world: row.strategies for world, row in known.items() if row.strategies}:
            plan["strategy_alloc_before_total"] = before
    if asked.etag is not None:
        plan["etag"] = payload["etag"]
    if asked.reason:
        plan["reason"] = asked.reason
    return plan

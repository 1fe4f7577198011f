"""`POST /allocations`: say what holds, or have it done and say it then."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from qmtl_site.audit.actor import Actor
from qmtl_site.http.refusals import Fault, Invalid
from qmtl_site.ledger.transactions import use_case
from rebalancing.domain.document import plain
from rebalancing.models import Allocation, PlanRecord
from rebalancing.schemas import Allocate, ApplyPlan
from rebalancing.selectors.allocations import allocation_documents
from rebalancing.services.admitting import bound_in, lock_all
from rebalancing.services.allocations import admitted_worlds, refuse_bad_fractions, set_allocations
from rebalancing.services.applying import apply_plan
from rebalancing.services.executing import execute_plan
from rebalancing.services.planning import lowest_taken
from rebalancing.services.sameness import payload_of


@use_case
def allocate(*, asked: Allocate, payload: Mapping[str, Any], actor: Actor) -> tuple[dict[str, Any], bool]:
    """The allocations of the worlds named, and whether this call is the first with its run id.

    With `execute` the way there from what was allocated before is planned, recorded and executed; the allocations
    change when every order is filled.
    """
    execution = None
    if asked.execute:
        worlds = admitted_worlds(asked, actor)
        if not PlanRecord.objects.filter(run_id=asked.run_id).exists():
            lock_all(worlds)
        refuse_bad_fractions(asked)
        plan = plan_payload(asked, payload)
        try:
            row, is_new = apply_plan(
                asked=ApplyPlan.model_validate(plan),
                payload=plan,
                identity=payload_of(asked, payload),
                actor=actor,
            )
        except Invalid as refused:
            raise Invalid(refused.detail, faults=[as_sent(fault) for fault in refused.faults]) from None
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


def as_sent(fault: Fault) -> Fault:
    """A place of the plan as one of what it was made from: what is allocated now was not sent."""
    for name in ("/world_alloc_after", "/world_alloc_before"):
        if fault.pointer.startswith(name):
            rest = fault.pointer.removeprefix(name)
            said = fault.detail if name.endswith("after") else f"now: {fault.detail}"
            return Fault(f"/world_allocations{rest}", said)
    return fault


def plan_payload(asked: Allocate, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The way from what is allocated now; a world that had nothing has nothing to scale."""
    known = {row.world_id: row for row in Allocation.objects.filter(world__in=asked.world_allocations)}
    plan = {
        "run_id": asked.run_id,
        "total_equity": payload["total_equity"],
        "world_alloc_before": {
            world: plain(known[world].allocation) if world in known else 0
            for world in asked.world_allocations
        },
        "world_alloc_after": payload["world_allocations"],
        "positions": payload["positions"],
        "schema_version": asked.schema_version or lowest_taken(),
    }
    if asked.strategy_alloc_after_total:
        plan["strategy_alloc_after_total"] = payload["strategy_alloc_after_total"]
        if before := known_fractions(list(known.values())):
            plan["strategy_alloc_before_total"] = before
    if asked.etag is not None:
        plan["etag"] = payload["etag"]
    if asked.reason:
        plan["reason"] = asked.reason
    return plan


def known_fractions(rows: Collection[Allocation]) -> dict[str, dict[str, str]]:
    """What is stored of strategies that still are in their world; one that has left holds nothing to be scaled."""
    bound = bound_in([row.world_id for row in rows])
    found = {
        row.world_id: {name: text for name, text in row.strategies.items() if (row.world_id, name) in bound}
        for row in rows
    }
    return {world: fractions for world, fractions in found.items() if fractions}

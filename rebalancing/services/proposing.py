"""Plans that follow from a switch of the live set: proposed, where the policy asks for it, and never executed."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import orjson
import structlog
from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.documents import dump
from qmtl_site.http.refusals import Refusal
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from rebalancing.domain.contract import NEWEST, narrowed
from rebalancing.domain.document import plain
from rebalancing.events import RebalancingPlanned
from rebalancing.models import Allocation, PositionSnapshot, Proposal
from rebalancing.schemas import PlanRequest
from rebalancing.services.allocations import cut
from rebalancing.services.planning import answer_to, made
from rebalancing.services.snapshots import plain_fraction
from strategies.models import Activation, Binding
from worlds.selectors import active_policy
from worlds.services import lock_world

log = structlog.get_logger(__name__)

SERVICE = Actor.service("rebalancing")


@use_case
def propose_after_switch(*, world_id: str, run_id: str) -> Proposal | None:
    """A plan for the weights that an apply has set, within what the world has; None where there is nothing to plan.

    Only where the policy says `rebalancing.on_switch: propose`, and once per apply.
    """
    world = lock_world(world_id, writable=False)
    policy = active_policy(world_id)
    wanted = policy is not None and policy.policy.rebalancing.on_switch == "propose"
    if not wanted or world.is_retired or Proposal.objects.filter(world=world, cause=run_id).exists():
        return None
    request = request_for(world_id, live_weights(world_id))
    if request is None:
        log.info(
            "rebalancing.not_proposed", world_id=world_id, reason="no allocation or no positions are known"
        )
        return None
    try:
        asked = PlanRequest.model_validate(request)
        document = answer_to(asked, made(asked), SERVICE)
    except Refusal as refused:
        log.warning("rebalancing.not_proposed", world_id=world_id, reason=refused.detail)
        return None
    row = Proposal(
        world=world,
        origin="promotion",
        cause=run_id,
        request=orjson.dumps(request).decode(),
        answer=dump(document).decode(),
        created_at=timezone.now(),
    )
    row.save()
    record(
        SERVICE,
        "rebalancing.propose",
        object_type="rebalancing",
        object_id=f"{world_id}/{run_id}",
        world_id=world_id,
        orders=len(document["per_world"][world_id]["deltas"]),
        reason=f"apply {run_id}",
    )
    emit(
        RebalancingPlanned(
            world_id=world_id, run_id=run_id, origin="promotion", **narrowed(document, world_id)
        )
    )
    return row


def request_for(world_id: str, shares: Mapping[str, float]) -> dict[str, Any] | None:
    """From what the world holds to these shares of its capital; who is not named gets nothing. None where nothing is
    known of what it has, or holds.
    """
    allocation = Allocation.objects.filter(world=world_id).first()
    snapshot = PositionSnapshot.objects.filter(world=world_id).order_by("-at", "-id").first()
    if allocation is None or snapshot is None:
        return None
    positions = [{"world_id": world_id, **row} for row in orjson.loads(snapshot.positions)]
    whole = Fraction(allocation.allocation)
    holders = {row["strategy_id"] for row in positions} | allocation.strategies.keys()
    after = {
        name: plain_fraction(cut(Fraction(repr(shares.get(name, 0.0))) * whole))
        for name in sorted(holders | shares.keys())
    }
    request = {
        "total_equity": plain(allocation.total_equity.normalize()),
        "world_alloc_before": {world_id: plain(allocation.allocation.normalize())},
        "world_alloc_after": {world_id: plain(allocation.allocation.normalize())},
        "strategy_alloc_after_total": {world_id: after},
        "positions": positions,
        "schema_version": NEWEST,
    }
    if allocation.strategies:
        request["strategy_alloc_before_total"] = {world_id: allocation.strategies}
    return request


def live_weights(world_id: str) -> dict[str, float]:
    """As the newest apply has set them."""
    live = Activation.objects.filter(binding__world=world_id, binding__state=Binding.State.LIVE)
    return dict(live.values_list("binding__strategy_id", "weight"))

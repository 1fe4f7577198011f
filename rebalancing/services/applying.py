"""Recording an approved plan: evidence, an act in each of its worlds, an event in each of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from itertools import islice
from typing import Any

import orjson
from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.documents import dump
from qmtl_site.http.refusals import Fault, Invalid, PreconditionFailed
from qmtl_site.ledger.models import append
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from rebalancing.domain.book import Positions
from rebalancing.domain.contract import narrowed
from rebalancing.domain.plan import Plan
from rebalancing.domain.terms import pointer
from rebalancing.errors import PlanConflict
from rebalancing.events import RebalancingPlanned
from rebalancing.models import AllocationRecord, PlanRecord, PlanWorld
from rebalancing.models.plans import PLACES
from rebalancing.schemas import ApplyPlan
from rebalancing.selectors.allocations import current_etags
from rebalancing.services.admitting import (
    admit,
    lock_all,
    lock_run,
    refuse_too_fine,
    refuse_too_large,
    refuse_unknown,
)
from rebalancing.services.planning import answer_to, made, refuse_old_versions
from rebalancing.services.sameness import Payload, differences, meaning, payload_of
from rebalancing.services.snapshots import keep_positions


@use_case
def apply_plan(
    *,
    asked: ApplyPlan,
    payload: Mapping[str, Any],
    actor: Actor,
    identity: Payload | None = None,
) -> tuple[PlanRecord, bool]:
    """The recorded plan, and whether it is new. `payload`: the request as it came; `identity`: what tells whether two
    of one run id are the same, where that is not the payload.

    The same run id with the same payload answers the record, also where a world has retired since; PlanConflict with
    another one. PreconditionFailed where an etag was given and an allocation has changed since.
    """
    refuse_old_versions(asked)
    worlds = worlds_named(asked)
    admit(actor, worlds)
    lock_run(asked.run_id)
    known = PlanRecord.objects.filter(run_id=asked.run_id).first()
    if known is not None:
        told = None if identity or not is_about(known, worlds) else asked
        return same_or_refuse(known, identity or payload_of(asked, payload), told), False
    if first := AllocationRecord.objects.filter(run_id=asked.run_id).first():
        raise named_already(asked.run_id, f"an allocation that was said on {first.at:%Y-%m-%d}")
    lock_all(worlds)
    etags = current_etags(worlds)
    require_etags(asked.etag, etags)
    positions: Positions = asked.positions  # type: ignore[assignment]
    refuse_too_fine(asked.total_equity, positions)
    refuse_unknown(
        worlds,
        positions,
        strategy_alloc_before_total=asked.strategy_alloc_before_total,
        strategy_alloc_after_total=asked.strategy_alloc_after_total,
    )
    plan = made(asked)
    refuse_too_large(plan, positions)
    digest = (identity or payload_of(asked, payload)).digest
    document = answer_to(asked, plan, actor)
    row = row_of(asked, payload, digest, plan, document, actor)
    row.save()
    append(
        [
            PlanWorld(plan=row, world_id=world, etag=etags.get(world, ""), **fractions_of(asked, world))
            for world in sorted(worlds)
        ]
    )
    keep_positions(
        positions,
        worlds=sorted(worlds),
        run_id=asked.run_id,
        origin="plan",
        total_equity=asked.total_equity,
        at=row.created_at,
    )
    for world in sorted(worlds):
        tell(row, document, world, actor)
    return row, True


# --- parts of the use case --------------------------------------------------------------------------------
def worlds_named(asked: ApplyPlan) -> dict[str, str]:
    """Every world of the plan, with the pointer to it."""
    named = {world: pointer("world_alloc_after", world) for world in asked.world_alloc_after}
    for world in asked.world_alloc_before:
        named.setdefault(world, pointer("world_alloc_before", world))
    for name in ("strategy_alloc_before_total", "strategy_alloc_after_total"):
        for world in getattr(asked, name) or {}:
            named.setdefault(world, pointer(name, world))
    for place, world in enumerate(asked.positions.worlds):  # type: ignore[attr-defined]
        if world not in named:
            named[world] = f"/positions/{place}/world_id"
    if not named:
        raise Invalid.at("/world_alloc_after", "names no world: there is nothing to record")
    return named


def is_about(known: PlanRecord, worlds: Collection[str]) -> bool:
    """Whether it tells of these worlds only."""
    return set(known.worlds.values_list("world_id", flat=True)) <= set(worlds)


def same_or_refuse(known: PlanRecord, payload: Payload, asked: ApplyPlan | None) -> PlanRecord:
    """PlanConflict where it was recorded with another payload; with `asked` it says where they differ."""
    if payload.is_that_of(known.payload_hash):
        return known
    places: list[str] = []
    if asked is not None:
        before = ApplyPlan.model_validate(orjson.loads(known.request))
        places = list(islice(differences(meaning(before), meaning(asked)), 100))
    raise named_already(
        known.run_id,
        f"a rebalancing that was recorded on {known.created_at:%Y-%m-%d}, with another payload",
        places,
    )


def named_already(run_id: str, what: str, places: Sequence[str] = ()) -> PlanConflict:
    """A run id names one thing for all time; `places`: pointers to where another payload differs from that."""
    differ = f" (they differ at {', '.join(places[:5])})" if places else ""
    faults = [Fault(place, "differs from what was recorded") for place in places]
    return PlanConflict(
        f"The run id {run_id} names {what}{differ}: take another run id",
        faults=faults or [Fault("/run_id", f"names {what}")],
        run_id=run_id,
    )


def require_etags(given: str | Mapping[str, str] | None, current: Mapping[str, str]) -> None:
    """PreconditionFailed where the allocation of a world is not the one that was read.

    One etag is of every world that has an allocation; a map names each one's. `current`: of the worlds concerned.
    """
    if given is None:
        return
    wanted = dict.fromkeys(current, given) if isinstance(given, str) else dict(given)
    moved = {world: current.get(world) for world, etag in wanted.items() if current.get(world) != etag}
    if moved or (isinstance(given, str) and not current):
        said = f"The allocation of {', '.join(sorted(moved)) or 'these worlds'} is not the one that you read"
        raise PreconditionFailed(said, current_etags=current)


def row_of(
    asked: ApplyPlan,
    payload: Mapping[str, Any],
    digest: str,
    plan: Plan,
    document: Mapping[str, Any],
    actor: Actor,
) -> PlanRecord:
    orders = plan.account.orders if asked.shared_account else plan.worlds.orders
    return PlanRecord(
        run_id=asked.run_id,
        payload_hash=digest,
        schema_version=document["schema_version"],
        mode=asked.mode,
        shared_account=asked.shared_account,
        total_equity=decimal_of(asked.total_equity),
        order_count=len(orders) + len(plan.overlays),
        turnover=plan.cost.order_turnover,
        request=orjson.dumps(payload).decode(),
        answer=dump(document).decode(),
        created_by_id=actor.user_id,
        actor=actor.name,
        reason=asked.reason or "",
        created_at=timezone.now(),
    )


def decimal_of(value: Fraction, places: int = PLACES) -> str:
    """A decimal as the database takes it; what is finer is cut off."""
    units = value.numerator * 10**places // value.denominator
    return f"{units}e-{places}"


def fractions_of(asked: ApplyPlan, world: str) -> dict[str, float]:
    return {
        "before": float(asked.world_alloc_before.get(world, 0)),
        "after": float(asked.world_alloc_after.get(world, 0)),
    }


def tell(row: PlanRecord, document: Mapping[str, Any], world: str, actor: Actor) -> None:
    record(
        actor,
        "rebalancing.apply",
        object_type="rebalancing",
        object_id=row.run_id,
        world_id=world,
        mode=row.mode,
        payload=row.payload_hash,
        orders=len(document["per_world"][world]["deltas"]),
        reason=row.reason,
    )
    emit(RebalancingPlanned(world_id=world, run_id=row.run_id, **narrowed(document, world)))

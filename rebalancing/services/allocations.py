"""Saying how much each world has: by request, or by an execution that met its plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.utils import timezone

from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.http.refusals import Fault, Invalid
from qmtl_site.ledger.transactions import use_case
from rebalancing.domain.book import Positions
from rebalancing.domain.checks import check
from rebalancing.domain.plan import Plan
from rebalancing.domain.terms import Doubtful, Terms, pointer
from rebalancing.models import Allocation, AllocationRecord, PlanRecord
from rebalancing.models.allocations import FRACTION_PLACES
from rebalancing.schemas import Allocate
from rebalancing.selectors.allocations import current_etags
from rebalancing.services.admitting import (
    admit,
    lock_all,
    lock_run,
    refuse_too_fine,
    refuse_unknown,
)
from rebalancing.services.applying import decimal_of, named_already, require_etags
from rebalancing.services.holding import refuse_beside_another
from rebalancing.services.sameness import payload_of
from rebalancing.services.snapshots import keep_positions, plain_fraction

FIELDS = ["allocation", "strategies", "total_equity", "run_id", "etag", "updated_at"]


@use_case
def set_allocations(*, asked: Allocate, payload: Mapping[str, Any], actor: Actor) -> tuple[str, bool]:
    """Upsert the allocations of the worlds named; their etag, and whether they are new.

    The same run id with the same payload answers what it did, also where a world has retired since; PlanConflict with
    another one; ExecutionInProgress where a rebalancing is under way, which could not go on from another start.
    Positions may only be of worlds that get an allocation.
    """
    worlds = admitted_worlds(asked, actor)
    said = payload_of(asked, payload)
    known = AllocationRecord.objects.filter(run_id=asked.run_id).first()
    if known is not None:
        if not said.is_that_of(known.payload_hash):
            what = f"an allocation that was said on {known.at:%Y-%m-%d}, with another payload"
            raise named_already(asked.run_id, what)
        return known.etag, False
    if first := PlanRecord.objects.filter(run_id=asked.run_id).first():
        raise named_already(asked.run_id, f"a rebalancing that was recorded on {first.created_at:%Y-%m-%d}")
    lock_all(worlds)
    digest = said.digest
    require_etags(asked.etag, current_etags(worlds))
    refuse_beside_another(worlds)
    refuse_bad_fractions(asked)
    positions: Positions = asked.positions  # type: ignore[assignment]
    refuse_too_fine(asked.total_equity, positions)
    refuse_unknown(worlds, positions, strategy_alloc_after_total=asked.strategy_alloc_after_total)
    now = timezone.now()
    keep_positions(
        positions,
        worlds=sorted(worlds),
        run_id=asked.run_id,
        origin="request",
        total_equity=asked.total_equity,
        at=now,
    )
    named = asked.strategy_alloc_after_total or {}
    rows = [
        AllocationRecord(
            world_id=world,
            allocation=decimal_of(asked.world_allocations[world], FRACTION_PLACES),
            strategies=texts(named.get(world, {})),
            total_equity=decimal_of(asked.total_equity),
            run_id=asked.run_id,
            etag=digest[:32],
            origin=AllocationRecord.Origin.REQUEST,
            payload_hash=digest,
            actor=actor.name,
            reason=asked.reason or "",
            at=now,
        )
        for world in sorted(worlds)
    ]
    keep(rows, actor)
    return digest[:32], True


def keep_planned(row: PlanRecord, plan: Plan, *, actor: Actor, reason: str, at: datetime) -> None:
    """What a plan wanted holds now, as its execution met it. The worlds are locked."""
    strategies = strategies_after(plan)
    rows = [
        AllocationRecord(
            world_id=world,
            allocation=decimal_of(plan.terms.after[world], FRACTION_PLACES),
            strategies=texts(strategies.get(world, {})),
            total_equity=decimal_of(plan.terms.total_equity),
            run_id=row.run_id,
            etag=row.payload_hash[:32],
            origin=AllocationRecord.Origin.EXECUTION,
            payload_hash=row.payload_hash,
            actor=actor.name,
            reason=reason or row.reason,
            at=at,
        )
        for world in sorted(plan.terms.after)
    ]
    keep(rows, actor)


# --- parts of the use cases -------------------------------------------------------------------------------
def strategies_after(plan: Plan) -> dict[str, Mapping[str, Fraction]]:
    """As the plan says; where it does not, strategies keep their parts of their world: those before the plan, if it
    tells them, else those that are stored."""
    found: dict[str, Mapping[str, Fraction]] = dict(plan.terms.strategies_after or {})
    told = plan.terms.strategies_before or {}
    for row in Allocation.objects.filter(world__in=plan.terms.after.keys() - found.keys()):
        stored = {name: Fraction(text) for name, text in row.strategies.items()}
        whole = Fraction(row.allocation)
        if row.world_id in told:
            stored, whole = dict(told[row.world_id]), plan.terms.before.get(row.world_id, whole)
        found[row.world_id] = parts_of(plan.terms.after[row.world_id], stored, whole)
    return found


def parts_of(after: Fraction, before: Mapping[str, Fraction], whole: Fraction) -> dict[str, Fraction]:
    """Strategies' fractions of equity once their world has `after`, each the part of it that it was of `whole`. Never
    more than the world in sum."""
    whole = max(whole, sum(before.values(), Fraction(0)))
    return {name: cut(after * value / whole) if whole else Fraction(0) for name, value in before.items()}


def cut(fraction: Fraction) -> Fraction:
    """Down to 18 decimals."""
    return Fraction(fraction.numerator * 10**18 // fraction.denominator, 10**18)


def keep(rows: list[AllocationRecord], actor: Actor) -> None:
    if not rows:
        return
    for row in rows:
        row.save()
    current = [
        Allocation(
            world_id=row.world_id, updated_at=row.at, **{name: getattr(row, name) for name in FIELDS[:-1]}
        )
        for row in rows
    ]
    Allocation.objects.bulk_create(
        current, update_conflicts=True, unique_fields=["world"], update_fields=FIELDS
    )
    for row in rows:
        record(
            actor,
            "allocation.set",
            object_type="allocation",
            object_id=row.world_id,
            world_id=row.world_id,
            allocation=plain_fraction(Fraction(row.allocation)),
            strategies=row.strategies,
            run_id=row.run_id,
            origin=str(row.origin),
            reason=row.reason,
        )


def admitted_worlds(asked: Allocate, actor: Actor) -> dict[str, str]:
    """The worlds named, with the pointer to each; the actor may allocate to them, and the run is locked."""
    worlds = worlds_named(asked)
    admit(actor, worlds)
    lock_run(asked.run_id)
    return worlds


def worlds_named(asked: Allocate) -> dict[str, str]:
    named = {world: pointer("world_allocations", world) for world in asked.world_allocations}
    faults = [
        Fault(pointer("strategy_alloc_after_total", world), f"{world!r} gets no allocation")
        for world in asked.strategy_alloc_after_total or {}
        if world not in named
    ]
    owners = enumerate(asked.positions.worlds)  # type: ignore[attr-defined]
    faults += [
        Fault(f"/positions/{place}/world_id", f"{world!r} gets no allocation")
        for place, world in owners
        if world not in named
    ]
    if faults:
        raise Invalid(faults[0].detail, faults=faults[:100])
    return named


def refuse_bad_fractions(asked: Allocate) -> None:
    """The rules of a plan, for what is to hold."""
    terms = Terms(
        asked.total_equity,
        asked.world_allocations,
        asked.world_allocations,
        None,
        asked.strategy_alloc_after_total,
    )
    try:
        check(terms, [])
    except Doubtful as doubtful:
        places = {
            doubt.pointer.replace("/world_alloc_after", "/world_allocations"): doubt.detail
            for doubt in doubtful.doubts
            if not doubt.pointer.startswith("/world_alloc_before")
        }
        faults = [Fault(place, detail) for place, detail in places.items()]
        raise Invalid(faults[0].detail, faults=faults) from None


def texts(fractions: Mapping[str, Fraction]) -> dict[str, str]:
    return {name: plain_fraction(value) for name, value in sorted(fractions.items())}

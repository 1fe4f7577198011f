"""Worlds of a plan of which no positions were told: nothing of them is traded, and what they hold is told by fills."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from django.db.models import Case, F, Sum, When

from rebalancing.domain.plan import Plan
from rebalancing.models.plans import PLACES
from rebalancing.selectors.positions import Moves, Owner
from strategies.models import Fill


@dataclass(frozen=True)
class Unreported:
    """`held`: what fills say, `wanted`: that at the plan's scales, down to 18 decimals."""

    worlds: tuple[str, ...]
    held: Moves
    wanted: Moves


def unreported_of(plan: Plan) -> Unreported:
    """Of the worlds that the plan changes; no statement where positions of all of them were told."""
    worlds = sorted(
        world for world, scale in plan.scales.of_world.items() if scale != 1 and world not in plan.book.worlds
    )
    held = holdings_by_fills(worlds) if worlds else {}
    wanted = {owner: cut(quantity * scale_of(plan, owner)) for owner, quantity in held.items()}
    return Unreported(tuple(worlds), held, wanted)


def scale_of(plan: Plan, owner: Owner) -> Fraction:
    world, strategy, _, _ = owner
    own = plan.scales.of_strategy.get((world, strategy))
    return plan.scales.of_world[world] if own is None else Fraction(*own)


def cut(quantity: Fraction) -> Fraction:
    """Towards zero."""
    return Fraction(int(quantity * 10**PLACES), 10**PLACES)


def holdings_by_fills(worlds: Collection[str]) -> Moves:
    """What strategies hold by all fills that were reported of them: the real ones, where there are such, else those on
    paper. One statement."""
    signed = Case(When(side="buy", then=F("qty")), default=-F("qty"))
    rows = (
        Fill.objects.filter(binding__world__in=worlds)
        .values_list("binding__world_id", "binding__strategy_id", "venue", "symbol", "mode")
        .annotate(net=Sum(signed))
    )
    by_mode: dict[str, Moves] = defaultdict(dict)
    for world, strategy, venue, symbol, mode, net in rows:
        by_mode[mode][world, strategy, venue, symbol] = Fraction(net)
    real = {owner[:2] for owner in by_mode["live"]}
    paper = {owner: net for owner, net in by_mode["paper"].items() if owner[:2] not in real}
    return {owner: net for owner, net in sorted({**by_mode["live"], **paper}.items()) if net}

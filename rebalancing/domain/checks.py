"""What a plan refuses to guess (spec 07, "Refused with 422 and the pointer")."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from rebalancing.domain.decimals import nearest_float
from rebalancing.domain.names import coded
from rebalancing.domain.terms import Doubt, Doubtful, Fractions, Terms, pointer

SLACK = Fraction(1, 10**9)
"""By how much sums of fractions may be above their bound: people add them up in floats."""
MOST = 1 + SLACK
HALF = nearest_float(SLACK / 2)


def check(terms: Terms, worlds_of_positions: Sequence[str]) -> None:
    """Doubtful with every doubt; `worlds_of_positions` has an entry for each position."""
    doubts = [
        *in_bounds(terms.before, "world_alloc_before"),
        *in_bounds(terms.after, "world_alloc_after"),
        *of_strategies(terms.strategies_before, "strategy_alloc_before_total", terms),
        *of_strategies(terms.strategies_after, "strategy_alloc_after_total", terms),
        *above_their_world(terms),
        *left_out(terms, worlds_of_positions),
    ]
    if doubts:
        raise Doubtful(doubts[:100])


def in_bounds(fractions: Fractions, *path: str) -> Iterator[Doubt]:
    """Each from 0 to 1, all together at most 1."""
    if are_within(fractions, 1.0):
        return
    bad = False
    for name, value in fractions.items():
        if not 0 <= value.numerator <= value.denominator:
            bad = True
            yield Doubt(pointer(*path, name), "a fraction is from 0 to 1")
    if not bad and (whole := sum(fractions.values())) > MOST:
        yield Doubt(pointer(*path), f"the fractions sum to {float(whole):.12g}, more than 1")


def are_within(fractions: Fractions, most: float) -> bool:
    """Whether floats tell already that each is from 0 to 1, and that they sum to at most `most` and `SLACK`. What floats
    lose of a sum is much less than half of that, and no number from 1 on becomes a float below it.
    """
    floats = [top / bottom for top, bottom in map(Fraction.as_integer_ratio, fractions.values())]
    return not floats or (min(floats) >= 0 and max(floats) < 1 and math.fsum(floats) <= most + HALF)


def of_strategies(maps: Mapping[str, Fractions] | None, name: str, terms: Terms) -> Iterator[Doubt]:
    for world, fractions in (maps or {}).items():
        if world not in terms.before and world not in terms.after:
            yield Doubt(pointer(name, world), f"{world!r} stands in no allocation map")
        yield from in_bounds(fractions, name, world)


def above_their_world(terms: Terms) -> Iterator[Doubt]:
    for world, fractions in (terms.strategies_after or {}).items():
        whole = terms.after.get(world)
        if whole is None or are_within(fractions, nearest_float(whole)):
            continue
        if (parts := sum(fractions.values())) > whole + SLACK:
            said = f"the strategies of {world!r} sum to {float(parts):.12g}"
            yield Doubt(
                pointer("strategy_alloc_after_total", world), f"{said}, more than its {float(whole):.12g}"
            )


def left_out(terms: Terms, worlds_of_positions: Sequence[str]) -> Iterator[Doubt]:
    """A world with positions stands in both maps: leaving it out must not liquidate it."""
    for world in coded(worlds_of_positions).distinct:
        absent = [
            name
            for name, fractions in (("world_alloc_before", terms.before), ("world_alloc_after", terms.after))
            if world not in fractions
        ]
        if len(absent) == 1:
            said = f"{world!r} has positions and stands in only one of the two allocation maps"
            yield Doubt(pointer(absent[0], world), said)
        elif absent:
            row = list(worlds_of_positions).index(world)
            yield Doubt(
                pointer("positions", str(row), "world_id"),
                f"{world!r} has positions and stands in no allocation map",
            )

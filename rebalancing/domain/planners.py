"""Planners: from what is asked to what each position, or a proxy of them, is to change by.

Another way to plan (by cost, within limits of risk) is one more class here: it gives exact changes, and lots,
minimum, netting across worlds and attribution follow from them as they do for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Protocol

import numpy as np

from rebalancing.domain.book import Book
from rebalancing.domain.decimals import Ints, product, times
from rebalancing.domain.ratios import Groups, Ratios, grouped, nothing
from rebalancing.domain.scales import Scales, scales_by_world
from rebalancing.domain.settling import marks_of
from rebalancing.domain.terms import Terms


@dataclass(frozen=True)
class Case:
    """All that a planner looks at."""

    terms: Terms
    book: Book
    scales: Scales

    @cached_property
    def changes(self) -> Ratios:
        """Of each row of the book, as the scales want it."""
        return self.scales.changes(self.book)

    @cached_property
    def groups(self) -> Groups:
        """Rows of the book by world and instrument."""
        return self.book.by_world_and_instrument()

    @cached_property
    def marks(self) -> Ratios:
        return marks_of(self.book, self.groups)

    def exposures(self, scales: Scales) -> Ratios:
        """What these scales change of the net value of each row of the book: (scale - 1) x value, in currency."""
        in_currency = replace(self.book, quantity=self.book.value, quantity_places=self.book.value_places)
        return scales.changes(in_currency)


@dataclass(frozen=True)
class Targets:
    """`changes`: of each row of the book, in units. `overlays`: currency to be bought (sold, where negative) in the
    overlay instrument of each world that needs one, even where it comes to nothing.
    """

    changes: Ratios
    overlays: Mapping[str, Fraction]


class Planner(Protocol):
    def targets(self, case: Case) -> Targets: ...


class Scaling:
    """Every position is scaled."""

    def targets(self, case: Case) -> Targets:
        return Targets(case.changes, {})


class Overlay:
    """Positions stay; a proxy changes the net exposure of each world."""

    def targets(self, case: Case) -> Targets:
        unscaled = np.ones(len(case.book), dtype=bool)
        return Targets(nothing(len(case.book)), remaining_gaps(case, unscaled))


class Hybrid:
    """What is large and cheap is scaled; the proxy closes what remains of the gap of a world.

    With no thresholds all is scaled and nothing remains, with an infinite minimum nothing is and all remains.
    """

    def targets(self, case: Case) -> Targets:
        cheap = self.is_scaled(case)[case.groups.of_row]
        return Targets(case.changes.kept(cheap), remaining_gaps(case, ~cheap))

    def is_scaled(self, case: Case) -> Ints:
        """Whether the net change of each (world, instrument) is traded itself."""
        terms, book = case.terms.hybrid, case.book
        if terms.scale_min_notional is None:
            return np.zeros(len(case.groups), dtype=bool)
        net, mark, least = case.changes.summed(case.groups), case.marks, terms.scale_min_notional
        worth = times(product(np.abs(net.top), mark.top), least.denominator)
        large = worth >= times(product(net.bottom, mark.bottom), least.numerator)
        kinds = book.traded.kinds
        bps = [terms.bps_of(symbol) for _, symbol in book.instruments]
        proxy = [self.overlay_bps(case, world) for world in book.worlds]
        cheap = [bps[key % kinds] <= proxy[key // kinds] for key in case.groups.keys.tolist()]
        return np.asarray(large.astype(bool) & np.array(cheap, dtype=bool))

    @staticmethod
    def overlay_bps(case: Case, world: str) -> Fraction:
        terms = case.terms.hybrid
        symbol = case.terms.overlay.instrument_by_world.get(world)
        return terms.default_cost_bps if symbol is None else terms.bps_of(symbol)


def remaining_gaps(case: Case, unscaled: Ints) -> dict[str, Fraction]:
    """(world's scale - 1) x net notional of each world, less what its scaled rows change of it, each at its strategy's
    scale. Worlds of which a row is to change and is not scaled itself.
    """
    book, scales = case.book, case.scales
    of_worlds = scales_by_world(scales.of_world, book)
    changing = np.array(
        [not scales.of_strategy[each] == of_worlds.of_strategy[each] == (1, 1) for each in book.strategies],
        dtype=bool,
    )
    concerned = unscaled & changing[book.strategy]
    if not concerned.any():
        return {}
    worlds = grouped(book.world)
    has_some = worlds.any(concerned)
    gaps = case.exposures(of_worlds).summed(worlds)
    closed = case.exposures(scales).kept(~unscaled).summed(worlds)
    keys = enumerate(worlds.keys.tolist())
    return {book.worlds[key]: gaps.fraction(row) - closed.fraction(row) for row, key in keys if has_some[row]}


PLANNERS: Mapping[str, Planner] = {"scaling": Scaling(), "overlay": Overlay(), "hybrid": Hybrid()}

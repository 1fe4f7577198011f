"""Positions as arrays: who holds how much of what, and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from rebalancing.domain.decimals import Decimals, Index, Ints, Number, column, product, summable
from rebalancing.domain.ratios import Groups, grouped

Strategy = tuple[str, str]
"""(world, strategy)."""
Instrument = tuple[str, str]
"""(venue, symbol); the venue is "" where none is named."""


@dataclass(frozen=True)
class Positions:
    """Positions as they were sent, one entry a row in each column, all of one length."""

    worlds: Sequence[str]
    strategies: Sequence[str]
    symbols: Sequence[str]
    venues: Sequence[str]
    quantities: Sequence[Number]
    marks: Sequence[Number]

    def __len__(self) -> int:
        return len(self.worlds)


@dataclass(frozen=True)
class Book:
    """Positions, one row for each strategy and instrument, in the order of their names.

    The same whatever the order of the positions was, and however they were split. Quantities are integers of
    10**-`quantity_places`, values (quantity x mark) of 10**-`value_places`.
    """

    worlds: tuple[str, ...]
    strategies: tuple[Strategy, ...]
    instruments: tuple[Instrument, ...]
    world_of_strategy: Index
    strategy: Index
    instrument: Index
    quantity: Ints
    gross_quantity: Ints
    """Sum of |quantity|."""
    value: Ints
    gross_value: Ints
    """Sum of |quantity| x mark."""
    quantity_places: int
    value_places: int

    def __len__(self) -> int:
        return len(self.strategy)

    @cached_property
    def symbols(self) -> list[str]:
        """Of each instrument."""
        return [symbol for _, symbol in self.instruments]

    @cached_property
    def venues(self) -> list[str | None]:
        """Of each instrument; None where none is named."""
        return [venue or None for venue, _ in self.instruments]

    @property
    def world(self) -> Index:
        return self.world_of_strategy[self.strategy]

    def by_world_and_instrument(self) -> Groups:
        return grouped(self.world * max(len(self.instruments), 1) + self.instrument)

    def by_instrument(self) -> Groups:
        return grouped(self.instrument)

    def gross_value_of_strategies(self) -> dict[Strategy, Fraction]:
        """Sum of |quantity| x mark of each."""
        groups = grouped(self.strategy)
        sums = groups.sums(summable(self.gross_value)).tolist()
        unit = 10**self.value_places
        keys = groups.keys.tolist()
        return {self.strategies[k]: Fraction(v, unit) for k, v in zip(keys, sums, strict=True)}


def book_of(positions: Positions) -> Book:
    """Positions by their names; quantities and marks are finite."""
    strategies, strategy = coded_pairs(positions.worlds, positions.strategies)
    instruments, instrument = coded_pairs(positions.venues, positions.symbols)
    quantities, marks = column(positions.quantities), column(positions.marks)
    return coded_book(strategies, instruments, strategy, instrument, quantities, marks)


def coded(names: Sequence[str]) -> tuple[list[str], Index]:
    """Each name once, sorted, and the place among them of each entry."""
    known = sorted(set(names))
    place = dict(zip(known, range(len(known)), strict=True))
    return known, np.fromiter(map(place.__getitem__, names), dtype=np.int64, count=len(names))


def coded_pairs(firsts: Sequence[str], seconds: Sequence[str]) -> tuple[list[tuple[str, str]], Index]:
    """Each pair once, sorted, and the place among them of each entry: no pair is made to be looked up."""
    (first_names, first), (second_names, second) = coded(firsts), coded(seconds)
    count = max(len(second_names), 1)
    groups = grouped(first * count + second)
    owners = map(first_names.__getitem__, (groups.keys // count).tolist())
    owned = map(second_names.__getitem__, (groups.keys % count).tolist())
    return list(zip(owners, owned, strict=True)), groups.of_row


def coded_book(
    strategies: Sequence[Strategy],
    instruments: Sequence[Instrument],
    strategy: Index,
    instrument: Index,
    quantities: Decimals,
    marks: Decimals,
) -> Book:
    """A book from arrays: `strategy` and `instrument` are places in the sorted names, one a position."""
    worlds, world_of_strategy = coded([world for world, _ in strategies])
    rows = grouped(strategy * max(len(instruments), 1) + instrument)
    sizes = np.abs(quantities.mantissas)
    return Book(
        worlds=tuple(worlds),
        strategies=tuple(strategies),
        instruments=tuple(instruments),
        world_of_strategy=world_of_strategy,
        strategy=rows.keys // max(len(instruments), 1),
        instrument=rows.keys % max(len(instruments), 1),
        quantity=rows.sums(summable(quantities.mantissas)),
        gross_quantity=rows.sums(summable(sizes)),
        value=rows.sums(product(quantities.mantissas, marks.mantissas)),
        gross_value=rows.sums(product(sizes, marks.mantissas)),
        quantity_places=quantities.places,
        value_places=quantities.places + marks.places,
    )

"""Positions as arrays: who holds how much of what, and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

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

    def net_value_of_worlds(self, rows: Ints) -> dict[str, Fraction]:
        """Sum of quantity x mark over the rows of each world that are True in `rows`."""
        groups = grouped(self.world)
        sums = groups.sums(summable(np.where(rows, self.value, 0))).tolist()
        unit = 10**self.value_places
        keys = groups.keys.tolist()
        return {self.worlds[k]: Fraction(int(v), unit) for k, v in zip(keys, sums, strict=True)}


def book_of(positions: Positions) -> Book:
    """Positions by their names; quantities and marks are finite."""
    owners = list(zip(positions.worlds, positions.strategies, strict=True))
    things = list(zip(positions.venues, positions.symbols, strict=True))
    strategies, instruments = sorted(set(owners)), sorted(set(things))
    return coded_book(
        strategies,
        instruments,
        codes(owners, strategies),
        codes(things, instruments),
        column(positions.quantities),
        column(positions.marks),
    )


def codes(names: Sequence[tuple[str, str]], known: Sequence[tuple[str, str]]) -> Index:
    place = {name: number for number, name in enumerate(known)}
    return np.fromiter(map(place.__getitem__, names), dtype=np.int64, count=len(names))


def coded_book(
    strategies: Sequence[Strategy],
    instruments: Sequence[Instrument],
    strategy: Index,
    instrument: Index,
    quantities: Decimals,
    marks: Decimals,
) -> Book:
    """A book from arrays: `strategy` and `instrument` are places in the sorted names, one a position."""
    worlds = sorted({world for world, _ in strategies})
    place = {world: number for number, world in enumerate(worlds)}
    rows = grouped(strategy * max(len(instruments), 1) + instrument)
    sizes = np.abs(quantities.mantissas)
    return Book(
        worlds=tuple(worlds),
        strategies=tuple(strategies),
        instruments=tuple(instruments),
        world_of_strategy=np.array([place[world] for world, _ in strategies], dtype=np.int64),
        strategy=rows.keys // max(len(instruments), 1),
        instrument=rows.keys % max(len(instruments), 1),
        quantity=rows.sums(summable(quantities.mantissas)),
        gross_quantity=rows.sums(summable(sizes)),
        value=rows.sums(product(quantities.mantissas, marks.mantissas)),
        gross_value=rows.sums(product(sizes, marks.mantissas)),
        quantity_places=quantities.places,
        value_places=quantities.places + marks.places,
    )

"""Positions as arrays: who holds how much of what, and what it is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from rebalancing.domain.decimals import Decimals, Index, Ints, Number, column, product, summable
from rebalancing.domain.names import Pairs, by_owner, coded, coded_pairs
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

    owners: Pairs
    """Strategies: (world, strategy)."""
    traded: Pairs
    """Instruments: (venue, symbol)."""
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
    def worlds(self) -> Sequence[str]:
        """Those that hold something."""
        return self.owners.firsts.distinct

    @property
    def world_of_strategy(self) -> Index:
        return self.owners.firsts.place

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        return self.owners.names

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return self.traded.names

    @cached_property
    def symbols(self) -> list[str]:
        """Of each instrument."""
        return list(self.traded.seconds)

    @cached_property
    def venues(self) -> list[str | None]:
        """Of each instrument; None where none is named."""
        known = [venue or None for venue in self.traded.firsts.distinct]
        return list(map(known.__getitem__, self.traded.firsts.place.tolist()))

    @property
    def world(self) -> Index:
        return self.world_of_strategy[self.strategy]

    def strategies_by_world(self) -> dict[str, Sequence[str]]:
        """Names of the strategies that hold something."""
        return by_owner(list(self.owners.seconds), self.world_of_strategy, self.worlds)

    def by_world_and_instrument(self) -> Groups:
        return grouped(self.world * self.traded.kinds + self.instrument)

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
    owners, strategy = coded_pairs(coded(positions.worlds), coded(positions.strategies))
    traded, instrument = coded_pairs(coded(positions.venues), coded(positions.symbols))
    quantities, marks = column(positions.quantities), column(positions.marks)
    return coded_book(owners, traded, strategy, instrument, quantities, marks)


def coded_book(
    owners: Pairs, traded: Pairs, strategy: Index, instrument: Index, quantities: Decimals, marks: Decimals
) -> Book:
    """A book from arrays: `strategy` and `instrument` are places among `owners` and `traded`, one a position."""
    rows = grouped(strategy * traded.kinds + instrument)
    sizes = np.abs(quantities.mantissas)
    held, kind = np.divmod(rows.keys, traded.kinds)
    return Book(
        owners=owners,
        traded=traded,
        strategy=held,
        instrument=kind,
        quantity=rows.sums(summable(quantities.mantissas)),
        gross_quantity=rows.sums(summable(sizes)),
        value=rows.sums(product(quantities.mantissas, marks.mantissas)),
        gross_value=rows.sums(product(sizes, marks.mantissas)),
        quantity_places=quantities.places,
        value_places=quantities.places + marks.places,
    )

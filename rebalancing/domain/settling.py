"""From exact changes to orders: whole lots, nothing below the minimum, and what could not be closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rebalancing.domain.book import Book, Instrument
from rebalancing.domain.decimals import (
    Index,
    Ints,
    nearest_float,
    objects,
    places_of,
    product,
    quotients,
    times,
)
from rebalancing.domain.ratios import Groups, Ratios

FINEST = 18
"""Without a lot, quantities are of 10**-18: the same however a position is split."""
NOTIONAL_PLACES = 8
NEAR, FINE = 1e-9, 1e6


@dataclass(frozen=True)
class Steps:
    """Least tradable quantity of each instrument: integers of 10**-`places`; `has_lot`: it was given. `per_unit`: how
    many of them are 1, where that is a whole number for every instrument.
    """

    sizes: Ints
    per_unit: Ints | None
    has_lot: Ints
    places: int


def steps_of(book: Book, lots: Mapping[str, Fraction]) -> Steps:
    # Few lots are distinct (`Fraction`s that were read from the same text are one object): each is looked into once.
    distinct = list({id(lot): lot for lot in lots.values()}.values())
    places = max([FINEST, *map(places_of, distinct)])
    unit, finest = 10**places, 10 ** (places - FINEST)
    kind_of_lot = {id(lot): kind for kind, lot in enumerate(distinct, start=1)}
    kind_of_symbol = {symbol: kind_of_lot[id(lot)] for symbol, lot in lots.items()}
    kinds = np.array([kind_of_symbol.get(symbol, 0) for _, symbol in book.instruments], dtype=np.int64)
    sizes = [finest, *(lot.numerator * unit // lot.denominator for lot in distinct)]
    whole = not any(unit % size for size in sizes)
    return Steps(
        sizes=objects(sizes)[kinds],
        per_unit=objects([unit // size for size in sizes])[kinds] if whole else None,
        has_lot=kinds > 0,
        places=places,
    )


def marks_of(book: Book, groups: Groups) -> Ratios:
    """Mark of each group of rows: their mean weighted by |quantity|, exactly."""
    value, quantity = groups.sums(book.gross_value), groups.sums(book.gross_quantity)
    bottom = times(np.where(quantity == 0, 1, quantity), 10 ** (book.value_places - book.quantity_places))
    return Ratios(value, bottom)


@dataclass(frozen=True)
class Settled:
    """Of each group of rows: the exact change, and the order that it comes to (0: none).

    `quantity` in integers of 10**-`places`; `notional` (quantity x mark, with its sign) as floats, to 1e-8;
    `dropped`: something was left to trade, and it was below the minimum.
    """

    exact: Ratios
    mark: Ratios
    instrument: Index
    quantity: Ints
    notional: Ints
    dropped: Ints
    places: int

    @property
    def orders(self) -> Index:
        """Groups with an order."""
        return np.flatnonzero(self.quantity.astype(bool))


def settle(exact: Ratios, mark: Ratios, instrument: Index, steps: Steps, *, minimum: Fraction) -> Settled:
    """Round toward zero to the step, and drop what is worth less than the minimum."""
    size = steps.sizes[instrument]
    negative = (exact.top < 0).astype(bool)
    if steps.per_unit is None:
        lots = times(np.abs(exact.top), 10**steps.places) // product(exact.bottom, size)
    else:
        lots = product(np.abs(exact.top), steps.per_unit[instrument]) // exact.bottom
    quantity = product(lots, size)
    # |quantity| x mark over one denominator: one division, correctly rounded.
    worth, unit = product(quantity, mark.top), times(mark.bottom, 10**steps.places)
    notional = quotients(worth, unit)
    dropped = below(minimum, worth, unit, notional) & quantity.astype(bool)
    quantity[dropped], notional[dropped] = 0, 0.0
    np.negative(quantity, out=quantity, where=negative)
    np.negative(notional, out=notional, where=negative)
    return Settled(exact, mark, instrument, quantity, to_places(notional), dropped, steps.places)


def to_places(values: Ints) -> Ints:
    """To 1e-8, where a float tells that apart."""
    return np.where(np.abs(values) < FINE, np.round(values, NOTIONAL_PLACES), values)


def below(minimum: Fraction, worth: Ints, unit: Ints, notional: Ints) -> Ints:
    """Whether worth / unit is below the minimum: floats tell it for those that are not next to it."""
    least = nearest_float(minimum)
    near = np.flatnonzero(np.abs(notional - least) <= NEAR * least)
    found = notional < least
    found[near] = [worth[row] * minimum.denominator < unit[row] * minimum.numerator for row in near.tolist()]
    return np.asarray(found)


@dataclass(frozen=True)
class Residual:
    """A part of a position that was to be closed and stays. `quantity` of 10**-`places`, with the sign of what stays."""

    world: str | None
    instrument: Instrument
    quantity: int
    places: int
    reason: str


def residuals(
    settled: Settled, closing: Ints, steps: Steps, book: Book, worlds: Sequence[str | None]
) -> list[Residual]:
    """Where all of something was to be closed (`closing`, a flag for each group) and the lot, or the minimum,
    leaves a rest of it. `worlds` names that of each group.
    """
    unit = 10**steps.places
    if not closing.any():
        return []
    # What is ordered beyond what is wanted: an order to sell less than all leaves a long rest.
    top = settled.quantity * settled.exact.bottom.astype(object) - settled.exact.top.astype(object) * unit
    left = np.where(top < 0, -1, 1) * (np.abs(top) // settled.exact.bottom)
    concerned = closing & (left != 0).astype(bool) & (steps.has_lot[settled.instrument] | settled.dropped)
    return [
        Residual(
            worlds[row],
            book.instruments[settled.instrument[row]],
            int(left[row]),
            steps.places,
            "min_trade_notional" if settled.dropped[row] else "lot",
        )
        for row in np.flatnonzero(concerned).tolist()
    ]

"""From exact changes to orders: whole lots, nothing below the minimum, and what could not be closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat

import numpy as np

from rebalancing.domain.book import Book, Instrument
from rebalancing.domain.decimals import (
    Index,
    Ints,
    narrow,
    nearest_float,
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

    Without a lot it is 10**-18, or 10**-`places` where so few decimals carry all that is to change.
    """

    sizes: Ints
    per_unit: Ints | None
    has_lot: Ints
    places: int


def steps_of(book: Book, lots: Mapping[str, Fraction], finest: int = FINEST) -> Steps:
    """Without a lot, steps are 10**-`finest` or finer, and nothing that changes has more decimals than that or 18."""
    # Few lots are distinct (`Fraction`s that were read from the same text are one object): each is looked into once.
    distinct = list({id(lot): lot for lot in lots.values()}.values())
    places = max([finest, *map(places_of, distinct)])
    unit = 10**places
    kind_of_lot = {id(lot): kind for kind, lot in enumerate(distinct, start=1)}
    kind_of_symbol = {symbol: kind_of_lot[id(lot)] for symbol, lot in lots.items()}
    symbols = book.traded.seconds
    kinds = np.fromiter(
        map(kind_of_symbol.get, symbols.distinct, repeat(0)), np.int64, len(symbols.distinct)
    )[symbols.place]
    sizes = [
        1 if finest < FINEST else 10 ** (places - FINEST),
        *(lot.numerator * unit // lot.denominator for lot in distinct),
    ]
    whole = not any(unit % size for size in sizes)
    return Steps(
        sizes=narrow(sizes)[kinds],
        per_unit=narrow([unit // size for size in sizes])[kinds] if whole else None,
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
    worth = product(quantity, mark.top, summed=False)
    unit = times(mark.bottom, 10**steps.places, summed=False)
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
    found[near] = [
        int(worth[row]) * minimum.denominator < int(unit[row]) * minimum.numerator for row in near.tolist()
    ]
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
    settled: Settled, closing: Ints, left: Ints, steps: Steps, book: Book, worlds: Sequence[str | None]
) -> list[Residual]:
    """Where all of something was to be closed (`closing`, a flag for each group) and the lot, or the minimum,
    leaves a rest of it (`left`). `worlds` names that of each group.
    """
    concerned = closing & (left != 0).astype(bool) & (steps.has_lot[settled.instrument] | settled.dropped)
    return [
        Residual(
            worlds[row],
            book.instruments[settled.instrument[row]],
            int(left[row]),
            steps.places,
            reason_of(settled, row),
        )
        for row in np.flatnonzero(concerned).tolist()
    ]


def left_over(settled: Settled, steps: Steps) -> Ints:
    """Of each group, what its order leaves of what is wanted, in steps, with the sign of a position that stays."""
    top = settled.quantity * settled.exact.bottom.astype(object) - settled.exact.top.astype(object) * (
        10**steps.places
    )
    return np.asarray(np.where(top < 0, -1, 1) * (np.abs(top) // settled.exact.bottom))


def odd_rows(settled: Settled, groups: Groups, liquidated: Ints, steps: Steps, book: Book) -> Index:
    """Rows of the book that are to be closed and that no part in an order of their group could close: no whole lots, or
    the order is dropped."""
    size = steps.sizes[book.instrument].astype(object) * 10**book.quantity_places
    odd = (book.quantity.astype(object) * 10**steps.places % size != 0).astype(bool)
    return np.flatnonzero(
        liquidated & (settled.dropped[groups.of_row] | (odd & steps.has_lot[book.instrument]))
    )


def row_residuals(
    rows: Index, parts: Mapping[int, int], settled: Settled, groups: Groups, steps: Steps, book: Book
) -> list[Residual]:
    """What stays of rows that others net against, so that the order of all does not tell it; `parts` of the order."""
    unit, divisor, found = 10**steps.places, 10**book.quantity_places, []
    for row in rows.tolist():
        held = int(book.quantity[row])
        left = (abs(held) * unit // divisor) * (1 if held > 0 else -1) + parts.get(row, 0)
        world, instrument = book.worlds[book.world[row]], book.instruments[book.instrument[row]]
        if left:
            reason = reason_of(settled, int(groups.of_row[row]))
            found.append(Residual(world, instrument, left, steps.places, reason))
    return found


def reason_of(settled: Settled, group: int) -> str:
    return "min_trade_notional" if settled.dropped[group] else "lot"

"""From exact changes to orders: whole lots, nothing below the minimum, and what could not be closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rebalancing.domain.book import Book, Instrument
from rebalancing.domain.decimals import Index, Ints, objects, places_of
from rebalancing.domain.ratios import Groups, Ratios

FINEST = 18
"""Without a lot, quantities are of 10**-18: the same however a position is split."""
NOTIONAL_PLACES = 8


@dataclass(frozen=True)
class Steps:
    """Least tradable quantity of each instrument: integers of 10**-`places`; `has_lot`: it was given."""

    sizes: Ints
    has_lot: Ints
    places: int


def steps_of(book: Book, lots: Mapping[str, Fraction]) -> Steps:
    symbols = [symbol for _, symbol in book.instruments]
    given = [lots.get(symbol) for symbol in symbols]
    places = max([FINEST, *(places_of(lot) for lot in lots.values())])
    unit = 10**places
    return Steps(
        sizes=objects(
            [
                10 ** (places - FINEST) if lot is None else lot.numerator * unit // lot.denominator
                for lot in given
            ]
        ),
        has_lot=np.array([lot is not None for lot in given], dtype=bool),
        places=places,
    )


def marks_of(book: Book, groups: Groups) -> Ratios:
    """Mark of each group of rows: their mean weighted by |quantity|, exactly."""
    value = groups.sums(book.gross_value.astype(object))
    quantity = groups.sums(book.gross_quantity.astype(object))
    bottom = np.where(quantity == 0, 1, quantity) * 10 ** (book.value_places - book.quantity_places)
    return Ratios(value, bottom)


@dataclass(frozen=True)
class Settled:
    """Of each group of rows: the exact change, and the order that it comes to (0: none).

    `quantity` in integers of 10**-`places`, `notional` (quantity x mark, with its sign) of 10**-8;
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
    quantity = np.abs(exact.top) * 10**steps.places // (exact.bottom * size) * size
    # |quantity| x mark, over one denominator.
    worth, unit = quantity * mark.top, mark.bottom * 10**steps.places
    traded = quantity.astype(bool)
    dropped = np.zeros(len(traded), dtype=bool)
    if minimum > 0:
        dropped = traded & (worth * minimum.denominator < unit * minimum.numerator).astype(bool)
        quantity[dropped], worth[dropped] = 0, 0
    notional = (worth * (2 * 10**NOTIONAL_PLACES) + unit) // (2 * unit)
    np.negative(quantity, out=quantity, where=negative)
    np.negative(notional, out=notional, where=negative)
    return Settled(exact, mark, instrument, quantity, notional, dropped, steps.places)


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
    top = settled.quantity * settled.exact.bottom - settled.exact.top * unit
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

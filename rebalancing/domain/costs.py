"""What a plan is estimated to turn over, what netting saves of that, and what it costs. Estimates: floats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rebalancing.domain.book import Book
from rebalancing.domain.decimals import quotients, times
from rebalancing.domain.ratios import Ratios
from rebalancing.domain.settling import Settled
from rebalancing.domain.terms import Terms


@dataclass(frozen=True)
class CostEstimate:
    """All in currency.

    `gross_turnover`: what strategies would trade each for itself. `world_turnover`: netted in each world.
    `account_turnover`: netted across worlds as well. `order_turnover`: of the orders, overlays included.
    `cost`: of the orders, by the given basis points.
    """

    gross_turnover: float
    world_turnover: float
    account_turnover: float
    order_turnover: float
    netting_savings: float
    cost: float


def estimate(
    changes: Ratios,
    book: Book,
    worlds: Settled,
    account: Settled,
    orders: Settled,
    overlays: Sequence[tuple[str, Fraction]],
    terms: Terms,
) -> CostEstimate:
    gross = total(np.abs(changes.floats()) * marks_of_rows(book))
    world, whole = turnover(worlds), turnover(account)
    proxies = [(symbol, abs(float(notional))) for symbol, notional in overlays]
    sizes, instrument = np.abs(orders.notional[orders.orders]), orders.instrument[orders.orders]
    told = {symbol: float(bps) for symbol, bps in terms.hybrid.cost_bps.items()}
    default = float(terms.hybrid.default_cost_bps)
    costs = [told.get(symbol, default) * size for symbol, size in proxies]
    if told:
        symbols = book.traded.seconds
        bps = np.array([told.get(symbol, default) for symbol in symbols.distinct])
        costs += (sizes * bps[symbols.place[instrument]]).tolist()
    elif default:
        costs += (sizes * default).tolist()
    return CostEstimate(
        gross_turnover=gross,
        world_turnover=world,
        account_turnover=whole,
        order_turnover=math.fsum([*sizes.tolist(), *(size for _, size in proxies)]),
        netting_savings=max(0.0, gross - (whole if terms.shared_account else world)),
        cost=math.fsum(costs) / 10_000,
    )


def turnover(settled: Settled) -> float:
    """Of the exact changes, before lots and minimum."""
    return total(np.abs(settled.exact.floats()) * settled.mark.floats())


def marks_of_rows(book: Book) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    quantity = np.where(book.gross_quantity == 0, 1, book.gross_quantity)
    return quotients(book.gross_value, times(quantity, 10 ** (book.value_places - book.quantity_places)))


def total(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """The same in any order."""
    return math.fsum(values.tolist())

"""A plan: orders of each world, orders of all worlds netted, and who they are for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from rebalancing.domain.attribution import Shares, attribute
from rebalancing.domain.book import Book, Positions, book_of
from rebalancing.domain.checks import check
from rebalancing.domain.costs import CostEstimate, estimate
from rebalancing.domain.decimals import Index, places_of
from rebalancing.domain.planners import PLANNERS, Case, Targets
from rebalancing.domain.ratios import Groups, grouped
from rebalancing.domain.scales import Scales, scales_of
from rebalancing.domain.settling import (
    FINEST,
    Residual,
    Settled,
    Steps,
    left_over,
    marks_of,
    odd_rows,
    residuals,
    row_residuals,
    settle,
    steps_of,
)
from rebalancing.domain.terms import Doubt, Doubtful, Terms, pointer


@dataclass(frozen=True)
class OverlayOrder:
    """A proxy order; quantity in units, notional = quantity x price in currency, both signed."""

    world: str
    symbol: str
    quantity: Fraction
    price: Fraction

    @property
    def notional(self) -> Fraction:
        return self.quantity * self.price


@dataclass(frozen=True)
class Plan:
    """What a request comes to. Groups of `worlds` are (world, instrument), those of `account` instruments."""

    terms: Terms
    book: Book
    scales: Scales
    targets: Targets
    steps: Steps
    groups: Groups
    worlds: Settled
    account_groups: Groups
    account: Settled
    overlays: tuple[OverlayOrder, ...]

    @property
    def world_of_group(self) -> Index:
        return self.groups.keys // self.book.traded.kinds

    @cached_property
    def residuals(self) -> list[Residual]:
        """Of the orders: those of the account where it is shared, else those of the worlds.

        Of an order as a whole where all that it nets was to be closed, else of each strategy that was.
        """
        changing = (self.targets.changes.top != 0).astype(bool)
        liquidated = self.scales.liquidated(self.book) & changing
        if not liquidated.any():
            return []
        names: list[str | None] = [self.book.worlds[place] for place in self.world_of_group.tolist()]
        groups, settled = self.groups, self.worlds
        if self.terms.shared_account:
            groups, settled, names = self.account_groups, self.account, [None] * len(self.account_groups)
        left = left_over(settled, self.steps)
        told = groups.any(liquidated) & ~groups.any(changing & ~liquidated) & (left != 0).astype(bool)
        found = residuals(settled, told, left, self.steps, self.book, names)
        rows = odd_rows(settled, groups, liquidated & ~told[groups.of_row], self.steps, self.book)
        if len(rows):
            parts = dict(zip(self.shares.row.tolist(), self.shares.quantity.tolist(), strict=True))
            found += row_residuals(rows, parts, settled, groups, self.steps, self.book)
        return found

    @cached_property
    def shares(self) -> Shares:
        """Parts of the account's orders where it is shared, else of the worlds' orders."""
        groups, settled = (
            (self.account_groups, self.account) if self.terms.shared_account else (self.groups, self.worlds)
        )
        return attribute(self.targets.changes, groups, settled, self.steps, self.book)

    @cached_property
    def cost(self) -> CostEstimate:
        settled = self.account if self.terms.shared_account else self.worlds
        overlays = [(order.symbol, order.notional) for order in self.overlays]
        return estimate(
            self.targets.changes, self.book, self.worlds, self.account, settled, overlays, self.terms
        )


def plan(terms: Terms, positions: Positions) -> Plan:
    """The plan; Doubtful with every place that is not clear."""
    check(terms, positions.worlds)
    return plan_book(terms, book_of(positions))


def plan_book(terms: Terms, book: Book) -> Plan:
    """The plan of checked terms."""
    scales = scales_of(terms, book)
    case = Case(terms, book, scales)
    targets = PLANNERS[terms.mode].targets(case)
    steps, groups = steps_of(book, terms.lots, finest_step(targets, book)), case.groups
    nets = targets.changes.summed(groups)
    instrument = groups.keys % book.traded.kinds
    worlds = settle(nets, case.marks, instrument, steps, minimum=terms.min_trade_notional)
    account_groups = book.by_instrument()
    account = settle(
        nets.summed(grouped(instrument)),  # exact changes, netted; every instrument has a row in some world
        marks_of(book, account_groups),
        account_groups.keys,
        steps,
        minimum=terms.min_trade_notional,
    )
    overlays = overlay_orders(terms, targets)
    return Plan(terms, book, scales, targets, steps, groups, worlds, account_groups, account, overlays)


def finest_step(targets: Targets, book: Book) -> int:
    """Decimals of quantities without a lot: 18, or as few as lose nothing, which most plans are content with. Their
    integers then fit into 64 bits. Proxy orders have a price, and so all 18.
    """
    wanted = None if targets.overlays else targets.changes.places()
    return FINEST if wanted is None else min(max(wanted, book.quantity_places), FINEST)


def overlay_orders(terms: Terms, targets: Targets) -> tuple[OverlayOrder, ...]:
    doubts = doubts_of_overlays(terms, targets.overlays)
    if doubts:
        raise Doubtful(doubts)
    orders = (overlay_order(terms, world, notional) for world, notional in targets.overlays.items())
    return tuple(order for order in orders if order is not None)


def doubts_of_overlays(terms: Terms, worlds: Iterable[str]) -> list[Doubt]:
    """Each missing instrument once, and each missing price once, however many worlds are to trade it."""
    doubts, unpriced = [], defaultdict(list)
    for world in worlds:
        symbol = terms.overlay.instrument_by_world.get(world)
        if symbol is None:
            said = f"{world!r} changes by an overlay and has no instrument for it"
            doubts.append(Doubt(pointer("overlay", "instrument_by_world", world), said))
        elif terms.overlay.price_by_symbol.get(symbol, Fraction(0)) <= 0:
            unpriced[symbol].append(world)
    for symbol, concerned in unpriced.items():
        said = f"{symbol!r}, the instrument of {', '.join(map(repr, concerned[:10]))}, has no price above 0"
        doubts.append(Doubt(pointer("overlay", "price_by_symbol", symbol), said))
    return doubts


def overlay_order(terms: Terms, world: str, notional: Fraction) -> OverlayOrder | None:
    """Rounded toward zero to the instrument's lot; None where nothing, or too little, is left."""
    symbol = terms.overlay.instrument_by_world[world]
    price = terms.overlay.price_by_symbol[symbol]
    step = terms.lots.get(symbol, Fraction(1, 10**FINEST))
    order = OverlayOrder(world, symbol, int(notional / price / step) * step, price)
    if order.quantity == 0 or abs(order.notional) < terms.overlay.min_order_notional:
        return None
    return order


def decimal_parts(value: Fraction) -> tuple[int, int]:
    """(mantissa, places) of a decimal."""
    places = places_of(value)
    return int(value * 10**places), places

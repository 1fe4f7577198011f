"""Orders on paper: filled at the plan's marks by the paper broker, and booked to the strategies that they are for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np

from qmtl.brokers import (
    FixedSlippage,
    Instrument,
    NotionalFees,
    OrderReport,
    PaperBroker,
    Side,
    Terms,
    quote,
)
from qmtl.brokers import Order as BrokerOrder
from qmtl_site.audit.actor import Actor
from rebalancing.domain.book import Book, Strategy
from rebalancing.domain.book import Instrument as Name
from rebalancing.domain.hedges import Weights
from rebalancing.domain.orders import Standing
from rebalancing.domain.plan import Plan
from rebalancing.models import Execution, Order
from rebalancing.models.plans import DIGITS
from rebalancing.selectors.positions import as_decimal, order_parts
from strategies.domain.fills import FillRecord
from strategies.services import keep_fills
from worlds.domain.broker import PaperTerms
from worlds.selectors import broker_settings

STEP = Decimal("1e-18")
Held = Mapping[Instrument, Decimal]


def fill_on_paper(
    orders: Sequence[Order], *, held: Held, costs: PaperTerms, at: datetime
) -> list[OrderReport]:
    """Reports of the orders of one account, in their order; `held`: its positions before."""
    broker = PaperBroker(
        positions=dict(held),
        fill_at="mark",
        fees=NotionalFees(taker_bps=costs.taker_bps, maker_bps=costs.maker_bps),
        slippage=FixedSlippage(costs.slippage_bps),
        default_terms=Terms(lot=STEP, tick=STEP),
    )
    reports = []
    for order in orders:
        broker.see(quote(order.symbol, order.mark, at, venue=order.venue))
        reports.append(
            broker.submit(
                BrokerOrder(
                    client_order_id=order.order_id,
                    strategy_id=order.world_id or "",
                    symbol=order.symbol,
                    venue=order.venue,
                    side=Side(order.side),
                    qty=order.qty,
                    ts=at,
                    reduce_only=order.purpose == "reduce",
                )
            )
        )
    return reports


def costs_of(world_id: str) -> PaperTerms:
    row = broker_settings(world_id)
    return PaperTerms() if row is None else PaperTerms.model_validate(row.paper)


def book(orders: Iterable[Order], holders: Mapping[str, Weights], *, at: datetime, actor: Actor) -> None:
    """Fills of orders that are filled, as evidence of each strategy that has a part in them; of a proxy order, of those
    who hold what it hedges.
    """
    by_world: dict[str, dict[str, list[FillRecord]]] = defaultdict(lambda: defaultdict(list))
    for order in orders:
        parts = order_parts(order, holders)
        for ((world, strategy), quantity), fee in zip(parts.items(), fees_of(order, parts), strict=True):
            by_world[world][strategy].append(
                FillRecord(
                    fill_id=order.order_id,
                    order_id=order.order_id,
                    ts=at.isoformat(),
                    symbol=order.symbol,
                    venue=order.venue or None,
                    side="buy" if quantity > 0 else "sell",
                    qty=as_decimal(abs(quantity)),
                    price=order.average_price or order.mark,
                    fee=fee,
                    mode="paper",
                )
            )
    for world, fills in sorted(by_world.items()):
        keep_fills(world_id=world, fills=fills, actor=actor)


def fees_of(order: Order, parts: Mapping[Strategy, Fraction]) -> list[Decimal]:
    """The order's fee by the size of each part; what rounding leaves is the last one's."""
    with localcontext() as context:
        context.prec = 2 * DIGITS
        sizes = [as_decimal(abs(quantity)) for quantity in parts.values()]
        total = sum(sizes)
        if not total or not order.fee:
            return [Decimal(0)] * len(sizes)
        whole = order.fee.quantize(STEP)
        fees = [(whole * size / total).quantize(STEP) for size in sizes]
        fees[-1] += whole - sum(fees)
        return fees


def held_on_paper(
    plan: Plan, execution: Execution, orders: Sequence[Order], standings: Mapping[Strategy, Standing]
) -> dict[str | None, dict[Instrument, Decimal]]:
    """Positions of each paper account in what `orders` trade, of those who trade there now: as the plan was told, and
    what was filled of it since."""
    traded = {(order.venue, order.symbol) for order in orders}
    if not traded:
        return {}
    rows: dict[str | None, list[tuple[str, str, Decimal]]] = defaultdict(list)

    def hold(strategy: Strategy, instrument: tuple[str, str], quantity: Decimal) -> None:
        if instrument in traded and standings[strategy].mode == "paper":
            account = None if plan.terms.shared_account else strategy[0]
            rows[account].append((*instrument, quantity))

    book = plan.book
    for row in rows_in(book, traded):
        quantity = Decimal(f"{int(book.quantity[row])}e-{book.quantity_places}")
        hold(book.strategies[book.strategy[row]], book.instruments[book.instrument[row]], quantity)
    for order in filled_on_paper(execution, traded):
        for part in order.parts:
            owner = (part["world_id"], part["strategy_id"])
            hold(owner, (order.venue, order.symbol), Decimal(part["qty"]))
    return {account: held_by(parts) for account, parts in rows.items()}


def rows_in(book: Book, traded: set[Name]) -> list[int]:
    """Rows of the book in these instruments: of very many a batch trades few."""
    keys = [key for key, name in enumerate(book.instruments) if name in traded]
    found: list[int] = np.flatnonzero(np.isin(book.instrument, keys)).tolist()
    return found


def filled_on_paper(execution: Execution, traded: Iterable[tuple[str, str]]) -> Iterable[Order]:
    symbols = sorted({symbol for _, symbol in traded})
    return Order.objects.filter(
        execution=execution, mode="paper", status=Order.Status.FILLED, symbol__in=symbols
    )


def held_by(parts: Iterable[tuple[str, str, Decimal]]) -> dict[Instrument, Decimal]:
    """Positions of an account from (venue, symbol, quantity)."""
    held: dict[Instrument, Decimal] = defaultdict(Decimal)
    with localcontext() as context:
        context.prec = 2 * DIGITS
        for venue, symbol, quantity in parts:
            held[Instrument(symbol, venue)] += quantity
    return dict(held)

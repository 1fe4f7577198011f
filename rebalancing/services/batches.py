"""One go over an execution whose worlds are locked: book what came back, send what may be sent, keep what it came to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

import structlog
from django.utils import timezone

from qmtl.brokers import OrderReport, OrderStatus
from qmtl_site.audit.actor import Actor
from qmtl_site.database import update_rows
from rebalancing.domain.book import Strategy
from rebalancing.domain.hedges import holders_of
from rebalancing.domain.orders import Standing
from rebalancing.domain.plan import Plan
from rebalancing.errors import NoExecutor, OpeningRefused
from rebalancing.models import AllocationRecord, Execution, Order, PlanRecord
from rebalancing.selectors.executions import (
    Shown,
    exact_document,
    order_document,
    orders_of_execution,
    reconciliation,
    shown_of,
    unsettled_orders,
)
from rebalancing.selectors.positions import positions_after
from rebalancing.selectors.reported import reported_fills, worlds_in
from rebalancing.services.allocations import keep_planned
from rebalancing.services.holding import release_worlds
from rebalancing.services.modes import MIXED, follow_modes
from rebalancing.services.orders import CLOSED, OUT_OF_RANGE, closed_gates, closed_reason, is_kept
from rebalancing.services.paper import book, costs_of, fill_on_paper, held_on_paper
from rebalancing.services.reported import take_reported
from rebalancing.services.snapshots import keep_positions
from rebalancing.services.standings import common_executor, executors_of, standings_of
from rebalancing.services.telling import note_act, tell

log = structlog.get_logger(__name__)

CHANGED = ["status", "mode", "reason", "code", "executor", "filled_qty", "average_price", "fee", "updated_at"]
WAITING = (Order.Status.NEW, Order.Status.REFUSED)
SENT = (Order.Status.HANDED, Order.Status.CANCELLING)
MOST_TOLD = 100
"""Orders that a refusal names."""
MOST_ORDERS = 5_000
"""That one batch sends: what it takes stays far below the time that a request has."""


class Batch:
    """`is_asked`: somebody waits for the answer. In the background nothing is refused to anybody: an order that cannot
    be sent waits, with its reason, for the next call.
    """

    def __init__(
        self,
        row: PlanRecord,
        recall: Callable[[], Plan],
        execution: Execution,
        worlds: Sequence[str],
        actor: Actor,
        reason: str,
        *,
        action: str = "rebalancing.execute",
        is_asked: bool = True,
    ) -> None:
        self.row, self.recall, self.execution, self.worlds = row, recall, execution, worlds
        self.actor, self.reason, self.action, self.is_asked = actor, reason, action, is_asked
        self.now = timezone.now()
        self.standings: Mapping[Strategy, Standing] = {}
        self.changed: list[Order] = []

    @cached_property
    def plan(self) -> Plan:
        """Made when it is asked for: to see that nothing came back takes none."""
        return self.recall()

    @cached_property
    def document(self) -> dict[str, Any]:
        return exact_document(self.row, self.plan)

    @cached_property
    def shown(self) -> Shown:
        """The orders as they are after the batch: asked for when nothing changes any more."""
        return shown_of(self.execution)

    @cached_property
    def sent(self) -> list[Order]:
        """Orders that were with a runner when the batch began."""
        return list(orders_of_execution(self.execution).filter(status__in=SENT))

    # --- sending ------------------------------------------------------------------------------------------
    def send(self) -> None:
        """OpeningRefused where nothing can be done about any order that waits."""
        waiting, is_all = self.next_waiting()
        if waiting:
            self.standings = standings_of(self.plan.book.strategies)
        ready = self.allowed(waiting)
        self.trade_on_paper([each for each in ready if each.mode == "paper"])
        self.hand_over([each for each in ready if each.mode == "live"])
        idle = not ready and all(each.status == Order.Status.REFUSED for each in self.changed)
        if self.is_asked and waiting and is_all and idle:
            self.refuse(waiting)
        self.changed += ready

    def next_waiting(self) -> tuple[list[Order], bool]:
        """New orders in their order, then those that were refused, the longest waiting first; and whether these are all
        that wait. In the background only new ones."""
        rows = orders_of_execution(self.execution)
        found = list(rows.filter(status=Order.Status.NEW)[: MOST_ORDERS + 1])
        if self.is_asked and len(found) <= MOST_ORDERS:
            refused = rows.filter(status=Order.Status.REFUSED).order_by("updated_at", "place")
            found += sorted(refused[: MOST_ORDERS + 1 - len(found)], key=lambda each: each.place)
        return found[:MOST_ORDERS], len(found) <= MOST_ORDERS

    def refuse(self, waiting: Sequence[Order]) -> None:
        said = sorted({each.reason for each in waiting if each.reason})
        raise OpeningRefused(
            "; ".join(said)[:500], orders=[order_document(each) for each in waiting[:MOST_TOLD]]
        )

    def allowed(self, waiting: Sequence[Order]) -> list[Order]:
        """Those that may be sent; the others are refused, each with its reason."""
        agreed, parted = follow_modes(waiting, self.standings, at=self.now)
        ready = []
        for order in agreed:
            closed = closed_gates(order, self.standings)
            if closed:
                self.put_off(order, closed_reason(closed), CLOSED)
            else:
                ready.append(order)
        for order in parted:
            self.put_off(order, "some of its strategies are live by now and some are not: plan anew", MIXED)
        return ready

    def put_off(self, order: Order, reason: str, code: str) -> None:
        """Refused for now; the next call tries it again."""
        if order.status == Order.Status.NEW:
            order.refuse()
        self.note(order, reason=reason, code=code)
        self.changed.append(order)

    def put_off_all(self, reason: str, code: str) -> None:
        for order in self.next_waiting()[0]:
            self.put_off(order, reason, code)

    def trade_on_paper(self, orders: Sequence[Order]) -> None:
        """Each account by itself, its orders in their order."""
        accounts: dict[str | None, list[Order]] = defaultdict(list)
        for order in orders:
            accounts[order.world_id].append(order)
        held = held_on_paper(self.plan, self.execution, orders, self.standings)
        for world, mine in accounts.items():
            trades = [each for each in mine if each.qty]
            costs = costs_of(world or self.worlds[0])
            reports = fill_on_paper(trades, held=held.get(world, {}), costs=costs, at=self.now)
            for order, report in zip(trades, reports, strict=True):
                self.take_paper(order, report)
            for order in mine:
                if not order.qty:
                    order.fill()
                    self.note(order, price=order.mark)
        done = [each for each in orders if each.status == Order.Status.FILLED]
        holders = holders_of(self.plan.book) if any(not each.parts for each in done) else {}
        book(done, holders, at=self.now, actor=self.actor)

    def take_paper(self, order: Order, report: OrderReport) -> None:
        price, fee = report.average_price or order.mark, report.fee
        if report.status != OrderStatus.FILLED:
            self.put_off(order, report.reason or "the position does not cover it", str(report.reject or ""))
        elif not (is_kept(price) and is_kept(fee)):
            self.put_off(order, "its price or fee has more digits than are kept", OUT_OF_RANGE)
        else:
            order.fill()
            self.note(order, filled=report.filled, price=price, fee=fee)

    def hand_over(self, orders: Sequence[Order]) -> None:
        """NoExecutor where nobody trades for a world."""
        executors = executors_of(self.worlds) if orders else {}
        for order in orders:
            concerned = sorted(worlds_in(order))
            name = common_executor(concerned, executors)
            if name is not None:
                order.hand()
                self.note(order, executor=name)
            elif self.is_asked:
                raise NoExecutor(f"No runner executes for {', '.join(concerned)}")
            else:
                self.put_off(order, f"no runner executes for {', '.join(concerned)}", NoExecutor.code)

    def is_over(self) -> bool:
        """Whether every order is filled: also of a plan that comes to none."""
        return not orders_of_execution(self.execution).exclude(status=Order.Status.FILLED).exists()

    # --- keeping what it came to --------------------------------------------------------------------------
    def take_reported(self) -> bool:
        """What came back of orders that are with a runner; whether anything did."""
        self.changed += take_reported(self.sent, reported_fills(self.sent), at=self.now)
        return bool(self.changed)

    def finish(self) -> None:
        """Keep what moved. Where no order is left the execution has ended; where positions are the plan's, the plan is
        what holds now."""
        update_rows(list({each.pk: each for each in self.changed}.values()), CHANGED)
        self.end()
        self.execution.updated_at = self.now
        self.execution.save()
        note_act(
            self.row,
            self.execution,
            self.worlds,
            self.shown,
            action=self.action,
            actor=self.actor,
            reason=self.reason,
        )
        if self.is_news:
            tell(self.execution, self.worlds, self.document, self.told)

    def end(self) -> None:
        counts = self.shown.counts
        open_still = {status for status, count in counts.items() if count} - {Order.Status.FILLED}
        if not open_still:
            self.execution.complete()
            self.execution.completed_at = self.now
        elif self.execution.state == Execution.State.CANCELLING and not open_still & set(SENT):
            self.execution.cancel()
        if not self.execution.is_open:
            release_worlds(self.execution, at=self.now)
            self.keep_result()

    @property
    def is_news(self) -> bool:
        """A plan of very many orders is not told in full with each batch: only where a runner, or its reader, has to
        know."""
        return (
            self.is_asked
            or self.shown.is_whole
            or not self.shown.counts.get("new")
            or any(each.mode == "live" for each in self.changed)
        )

    @property
    def told(self) -> Sequence[Order]:
        """All orders; of very many those that are with a runner, or came back from one."""
        if self.shown.is_whole:
            return self.shown.orders
        live = {each.pk: each for each in (*self.sent, *self.changed) if each.mode == "live"}
        return sorted(live.values(), key=lambda each: each.place)

    def ask_again(self) -> None:
        """Nothing moved: only who still has orders is told of them again. A runner whose broker refused one takes that
        as the word to try again."""
        named = set().union(*map(worlds_in, self.sent))
        worlds = [world for world in self.worlds if world in named]
        if worlds:
            note_act(
                self.row,
                self.execution,
                worlds,
                self.shown,
                action=self.action,
                actor=self.actor,
                reason=self.reason,
            )
            tell(self.execution, worlds, self.document, self.told)

    def keep_result(self) -> None:
        """Positions as they are. An allocation follows only where they are what the plan wants."""
        orders = unsettled_orders(self.execution)
        reports = reported_fills(orders)
        keep_positions(
            positions_after(self.plan, orders, reports),
            worlds=self.worlds,
            run_id=self.row.run_id,
            origin="execution",
            total_equity=self.plan.terms.total_equity,
            at=self.now,
        )
        if allocated_by_request(self.row.run_id, self.worlds):
            self.log_unallocated("the run id allocated before")
        elif not reconciliation(self.plan, orders, reports)["meets_plan"]:
            self.log_unallocated("positions differ from the plan")
        else:
            keep_planned(self.row, self.plan, actor=self.actor, reason=self.reason, at=self.now)

    def log_unallocated(self, reason: str) -> None:
        log.warning("rebalancing.not_allocated", run_id=self.row.run_id, reason=reason)

    def note(
        self,
        order: Order,
        *,
        reason: str = "",
        code: str = "",
        executor: str = "",
        filled: Decimal = Decimal(0),
        price: Decimal | None = None,
        fee: Decimal = Decimal(0),
    ) -> None:
        order.reason, order.code, order.executor = reason[:500], code[:32], executor or order.executor
        order.filled_qty, order.average_price, order.fee = filled, price, fee
        order.updated_at = self.now


def allocated_by_request(run_id: str, worlds: Sequence[str]) -> bool:
    """Whether the run id said already, without an execution, what a world has: it says so once."""
    return AllocationRecord.objects.filter(run_id=run_id, world__in=worlds).exists()

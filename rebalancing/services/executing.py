"""Executing a recorded plan: on paper at once, live through the world's runner; asked again, it goes on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

import structlog
from django.utils import timezone

from qmtl.brokers import OrderReport, OrderStatus
from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.database import update_rows
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from rebalancing.domain.book import Strategy
from rebalancing.domain.contract import narrowed
from rebalancing.domain.hedges import holders_of
from rebalancing.domain.orders import Standing
from rebalancing.domain.plan import Plan
from rebalancing.errors import NoExecutor, OpeningRefused, PlanConflict
from rebalancing.events import RebalancingApplied
from rebalancing.models import AllocationRecord, Execution, Order, PlanRecord
from rebalancing.selectors.executions import (
    as_decimal,
    exact_document,
    execution_document,
    held_of,
    order_document,
    order_documents,
    positions_after,
    reconciliation,
)
from rebalancing.selectors.plans import plan_again, plan_record, readable_plan, worlds_of
from rebalancing.selectors.reported import reported_fills, worlds_in
from rebalancing.services.admitting import admit, lock_all
from rebalancing.services.allocations import keep_planned
from rebalancing.services.applying import require_start
from rebalancing.services.modes import MIXED, follow_modes
from rebalancing.services.orders import (
    CLOSED,
    OUT_OF_RANGE,
    closed_gates,
    closed_reason,
    is_kept,
    orders_of,
    refuse_too_large,
)
from rebalancing.services.paper import book, costs_of, fill_on_paper, held_by
from rebalancing.services.reported import take_reported
from rebalancing.services.snapshots import keep_positions
from rebalancing.services.standings import common_executor, executors_of, standings_of

log = structlog.get_logger(__name__)

SERVICE = Actor.service("rebalancing")
CHANGED = ["status", "mode", "reason", "code", "executor", "filled_qty", "average_price", "fee", "updated_at"]
MOST_MADE = 20_000
"""Of more orders, the first call only makes them."""
WAITING = frozenset({Order.Status.NEW, Order.Status.REFUSED})
MOST_TOLD = 100
"""Orders that a refusal names."""
MOST_ORDERS = 5_000
"""That one call sends: what it takes stays far below the time that a request has; asking again goes on."""


@use_case
def execute_plan(*, run_id: str, actor: Actor, dry_run: bool = False, reason: str = "") -> dict[str, Any]:
    """The execution as it stands after this call; nothing is ever filled twice.

    Paper orders are filled, live ones handed to the executing runner; what a closed gate forbids is refused and tried
    again with the next call, and so is what is above MOST_ORDERS. OpeningRefused where nothing else is left,
    NoExecutor where nobody trades for a world: then nothing was done. Allocations change when every order is filled
    and the positions are the plan's, and not before.
    """
    row = readable_plan(run_id, actor)
    worlds = worlds_of(row)
    admit(actor, dict.fromkeys(worlds, "/run_id"))
    lock_all(worlds)
    plan = plan_again(row)
    if dry_run:
        return rehearsed(row, plan)
    execution, is_new = begin(row, actor)
    if execution.state == Execution.State.COMPLETED:
        return execution_document(row, plan, execution, orders_in(execution))
    require_start(row)
    orders = first_orders(plan, row, execution) if is_new else orders_in(execution)
    if is_new and len(orders) > MOST_MADE:
        return execution_document(row, plan, execution, orders)
    turn = Pass(row, plan, execution, orders, actor, reason)
    turn.go()
    return execution_document(row, plan, execution, orders, planned=turn.document, told=turn.told)


def settle_executions() -> int:
    """Complete the executions whose fills have come; how many."""
    running = Execution.objects.filter(
        state=Execution.State.RUNNING, orders__status=Order.Status.HANDED
    ).distinct()
    names = list(running.values_list("plan__run_id", flat=True)[:100])
    return sum(settle_execution(run_id=name) for name in names)


@use_case
def settle_execution(*, run_id: str) -> bool:
    """Book what runners have reported of handed orders; whether that completed the execution."""
    row = plan_record(run_id)
    lock_all(worlds_of(row))
    execution = Execution.objects.select_for_update(no_key=True).get(plan=row)
    if execution.state == Execution.State.COMPLETED:
        return False
    turn = Pass(row, plan_again(row), execution, orders_in(execution), SERVICE, "fills were reported")
    if turn.take_reported():
        turn.finish()
    return bool(execution.state == Execution.State.COMPLETED)


# --- the parts of a pass ----------------------------------------------------------------------------------
class Pass:
    """One go over the orders of an execution whose worlds are locked."""

    def __init__(
        self,
        row: PlanRecord,
        plan: Plan,
        execution: Execution,
        orders: Sequence[Order],
        actor: Actor,
        reason: str,
    ) -> None:
        self.row, self.plan, self.execution, self.orders = row, plan, execution, orders
        self.worlds = worlds_of(row)
        self.actor, self.reason, self.now = actor, reason, timezone.now()
        self.standings: Mapping[Strategy, Standing] = {}
        self.changed: list[Order] = []

    @cached_property
    def document(self) -> dict[str, Any]:
        return exact_document(self.row, self.plan)

    @cached_property
    def told(self) -> list[dict[str, Any]]:
        """The orders as they are after the pass: asked for when nothing changes any more."""
        return order_documents(self.orders)

    def go(self) -> None:
        self.take_reported()
        waiting = [each for each in self.orders if each.status in WAITING]
        if waiting:
            self.standings = standings_of(self.plan.book.strategies)
        ready = self.allowed(waiting)[:MOST_ORDERS]
        self.trade_on_paper([each for each in ready if each.mode == "paper"])
        self.hand_over([each for each in ready if each.mode == "live"])
        if waiting and not ready and not any(each.status != Order.Status.REFUSED for each in self.changed):
            self.refuse(waiting)
        self.changed += ready
        if self.changed or all(each.status == Order.Status.FILLED for each in self.orders):
            self.finish()
        else:
            self.ask_again()

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

    def trade_on_paper(self, orders: Sequence[Order]) -> None:
        """Each account by itself, its orders in their order."""
        accounts: dict[str | None, list[Order]] = defaultdict(list)
        for order in orders:
            accounts[order.world_id].append(order)
        held = self.held_on_paper() if orders else {}
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

    def held_on_paper(self) -> dict[str | None, dict[Any, Decimal]]:
        """Positions of each paper account, of those who trade there now: as the plan was told, and what was filled of
        it since."""
        done = [each for each in self.orders if each.mode == "paper"]
        rows: dict[str | None, list[tuple[str, str, Decimal]]] = defaultdict(list)
        for (world, strategy, venue, symbol), quantity in held_of(self.plan, done, {}).items():
            if self.standings[world, strategy].mode == "paper":
                account = None if self.plan.terms.shared_account else world
                rows[account].append((venue, symbol, as_decimal(quantity)))
        return {account: held_by(parts) for account, parts in rows.items()}

    def hand_over(self, orders: Sequence[Order]) -> None:
        if not orders:
            return
        executors = executors_of(self.worlds)
        for order in orders:
            concerned = (
                [order.world_id] if order.world_id else sorted({part["world_id"] for part in order.parts})
            )
            name = common_executor(concerned, executors)
            if name is None:
                raise NoExecutor(f"No runner executes for {', '.join(concerned)}")
            order.hand()
            self.note(order, executor=name)

    def take_reported(self) -> bool:
        """What came back of handed orders; whether anything did."""
        handed = [each for each in self.orders if each.status == Order.Status.HANDED]
        self.changed += take_reported(handed, reported_fills(handed), at=self.now)
        return bool(self.changed)

    def finish(self) -> None:
        """Keep what moved; when every order is filled and the positions are the plan's, the plan is what holds now."""
        update_rows(list({each.pk: each for each in self.changed}.values()), CHANGED)
        if all(each.status == Order.Status.FILLED for each in self.orders):
            self.execution.complete()
            self.execution.completed_at = self.now
            self.keep_result()
        self.execution.updated_at = self.now
        self.execution.save()
        self.tell(self.worlds)

    def ask_again(self) -> None:
        """Nothing moved: only who still has orders is told of them again. A runner whose broker refused one takes that
        as the word to try again."""
        handed = [each for each in self.orders if each.status == Order.Status.HANDED]
        named = set().union(*map(worlds_in, handed))
        self.tell([world for world in self.worlds if world in named])

    def keep_result(self) -> None:
        """Positions as they are. An allocation follows only where they are what the plan wants."""
        reports = reported_fills(self.orders)
        keep_positions(
            positions_after(self.plan, self.orders, reports),
            worlds=self.worlds,
            run_id=self.row.run_id,
            origin="execution",
            total_equity=self.plan.terms.total_equity,
            at=self.now,
        )
        if allocated_by_request(self.row.run_id, self.worlds):
            log.warning(
                "rebalancing.not_allocated", run_id=self.row.run_id, reason="the run id allocated before"
            )
        elif reconciliation(self.plan, self.orders, reports)["meets_plan"]:
            keep_planned(self.row, self.plan, actor=self.actor, reason=self.reason, at=self.now)
        else:
            log.warning(
                "rebalancing.not_allocated", run_id=self.row.run_id, reason="positions differ from the plan"
            )

    def tell(self, worlds: Sequence[str]) -> None:
        """An act and an event in each of these worlds, with its own orders."""
        if not worlds:
            return
        orders = orders_by_world(self.orders, self.told)
        for world in worlds:
            self.tell_one(self.document, world, orders.get(world, []))

    def tell_one(self, document: Mapping[str, Any], world: str, orders: list[dict[str, Any]]) -> None:
        record(
            self.actor,
            "rebalancing.execute",
            object_type="rebalancing",
            object_id=self.row.run_id,
            world_id=world,
            status=self.execution.state,
            orders={each["order_id"]: each["status"] for each in orders},
            reason=self.reason,
        )
        emit(
            RebalancingApplied(
                world_id=world, status=str(self.execution.state), orders=orders, **narrowed(document, world)
            )
        )

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


def begin(row: PlanRecord, actor: Actor) -> tuple[Execution, bool]:
    found = Execution.objects.select_for_update(no_key=True).filter(plan=row).first()
    if found is not None:
        return found, False
    if allocated_by_request(row.run_id, worlds_of(row)):
        raise PlanConflict(f"{row.run_id} has allocated something without an execution", run_id=row.run_id)
    now = timezone.now()
    return Execution.objects.create(plan=row, actor=actor.name, started_at=now, updated_at=now), True


def first_orders(plan: Plan, row: PlanRecord, execution: Execution) -> list[Order]:
    orders = orders_of(plan, standings_of(plan.book.strategies), run_id=row.run_id, execution=execution)
    refuse_too_large(orders)
    Order.objects.bulk_create(orders, batch_size=2_000)
    return orders


def orders_in(execution: Execution) -> list[Order]:
    return list(Order.objects.filter(execution=execution).order_by("place"))


def rehearsed(row: PlanRecord, plan: Plan) -> dict[str, Any]:
    """What an execution would begin with; nothing is kept."""
    execution = Execution.objects.filter(plan=row).first()
    if execution is not None:
        return execution_document(row, plan, execution, orders_in(execution), dry_run=True)
    orders = orders_of(plan, standings_of(plan.book.strategies), run_id=row.run_id, execution=None)
    refuse_too_large(orders)
    return execution_document(row, plan, None, orders, dry_run=True)


def own_part(order: dict[str, Any], world: str) -> dict[str, Any]:
    """An order of a shared account as one world's readers may see it: without the others' parts."""
    return {**order, "parts": [part for part in order["parts"] if part["world_id"] == world]}


def orders_by_world(
    orders: Sequence[Order], documents: Sequence[dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Documents of the orders in which each world has a part."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for order, document in zip(orders, documents, strict=True):
        for world in sorted(worlds_in(order)):
            found[world].append(own_part(document, world))
    return found


def allocated_by_request(run_id: str, worlds: Sequence[str]) -> bool:
    """Whether the run id said already, without an execution, what a world has: it says so once."""
    return AllocationRecord.objects.filter(run_id=run_id, world__in=worlds).exists()

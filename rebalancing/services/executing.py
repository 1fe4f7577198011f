"""Executing a recorded plan: on paper at once, live through the world's runner; asked again, it goes on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import structlog
from django.utils import timezone

from qmtl.brokers import OrderStatus
from qmtl_site.audit.actor import Actor
from qmtl_site.audit.chain import record
from qmtl_site.ledger.transactions import use_case
from qmtl_site.outbox.events import emit
from rebalancing.domain.contract import narrowed
from rebalancing.domain.plan import Plan
from rebalancing.errors import NoExecutor, OpeningRefused
from rebalancing.events import RebalancingApplied
from rebalancing.models import Execution, Order, PlanRecord
from rebalancing.selectors.executions import (
    exact_document,
    execution_document,
    order_document,
    positions_after,
    start_of,
)
from rebalancing.selectors.plans import plan_again, plan_record, readable_plan, worlds_of
from rebalancing.services.admitting import admit, lock_all
from rebalancing.services.allocations import keep_planned
from rebalancing.services.orders import CLOSED, closed_gates, closed_reason, orders_of, signed
from rebalancing.services.paper import book, costs_of, fill_on_paper, held_by
from rebalancing.services.snapshots import keep_positions
from rebalancing.services.standings import common_executor, executors_of, standings_of
from strategies.models import Fill

log = structlog.get_logger(__name__)

SERVICE = Actor.service("rebalancing")
CHANGED = ["status", "reason", "code", "executor", "filled_qty", "average_price", "fee", "updated_at"]


@use_case
def execute_plan(*, run_id: str, actor: Actor, dry_run: bool = False, reason: str = "") -> dict[str, Any]:
    """The execution as it stands after this call; nothing is ever filled twice.

    Paper orders are filled, live ones handed to the executing runner; what a closed gate forbids is refused and tried
    again with the next call. OpeningRefused where nothing else is left, NoExecutor where nobody trades for a world:
    then nothing was done. Allocations change when every order is filled, and not before.
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
    orders = first_orders(plan, row, execution) if is_new else orders_in(execution)
    Pass(row, plan, execution, orders, actor, reason).go()
    return execution_document(row, plan, execution, orders)


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
        self.actor, self.reason, self.now = actor, reason, timezone.now()
        self.moved = False

    def go(self) -> None:
        self.moved = self.take_reported()
        waiting = [each for each in self.orders if each.status in {Order.Status.NEW, Order.Status.REFUSED}]
        ready = self.allowed(waiting)
        self.trade_on_paper([each for each in ready if each.mode == "paper"])
        self.hand_over([each for each in ready if each.mode == "live"])
        if ready or self.moved or not waiting:
            self.finish()
        else:
            self.refuse(waiting)

    def refuse(self, waiting: Sequence[Order]) -> None:
        said = sorted({each.reason for each in waiting if each.reason})
        raise OpeningRefused("; ".join(said)[:500], orders=[order_document(each) for each in waiting])

    def allowed(self, waiting: Sequence[Order]) -> list[Order]:
        """Those that may be sent; the others are refused, each with its reason."""
        standings = standings_of(self.plan.book.strategies)
        ready = []
        for order in waiting:
            closed = closed_gates(order, standings)
            if closed:
                if order.status == Order.Status.NEW:
                    order.refuse()
                self.note(order, reason=closed_reason(closed), code=CLOSED)
            else:
                ready.append(order)
        return ready

    def trade_on_paper(self, orders: Sequence[Order]) -> None:
        """Each account by itself, its orders in their order."""
        accounts: dict[str | None, list[Order]] = defaultdict(list)
        for order in orders:
            accounts[order.world_id].append(order)
        for world, mine in accounts.items():
            costs = costs_of(world or worlds_of(self.row)[0])
            trades = [each for each in mine if each.qty]
            reports = fill_on_paper(trades, held=self.held(world), costs=costs, at=self.now)
            for order, report in zip(trades, reports, strict=True):
                if report.status == OrderStatus.FILLED:
                    order.fill()
                    self.note(
                        order, filled=report.filled, price=report.average_price or order.mark, fee=report.fee
                    )
                else:
                    order.reject()
                    self.note(order, reason=report.reason, code=str(report.reject or ""))
            for order in mine:
                if not order.qty:
                    order.fill()
                    self.note(order, price=order.mark)
        done = [each for each in orders if each.status == Order.Status.FILLED]
        book(done, at=self.now, actor=self.actor)

    def held(self, world: str | None) -> dict[Any, Decimal]:
        """Paper positions of an account: as the plan was told, and what was filled of it since."""
        standings = standings_of(self.plan.book.strategies)
        start = [
            (venue, symbol, quantity)
            for (owner, strategy, venue, symbol), quantity in start_of(self.plan).items()
            if standings[owner, strategy].mode == "paper" and world in {None, owner}
        ]
        filled = [
            (each.venue, each.symbol, signed(each))
            for each in self.orders
            if each.status == Order.Status.FILLED and each.mode == "paper" and each.world_id == world
        ]
        return held_by([*start, *filled])

    def hand_over(self, orders: Sequence[Order]) -> None:
        if not orders:
            return
        worlds = worlds_of(self.row)
        executors = executors_of(worlds)
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
        reported = reported_fills(handed)
        before = {each.order_id: each.filled_qty for each in handed}
        for order in handed:
            take(order, reported.get(order.order_id, {}), self)
        return any(
            each.status == Order.Status.FILLED or each.filled_qty != before[each.order_id] for each in handed
        )

    def finish(self) -> None:
        """Keep what moved; when every order is filled, the plan is what holds now."""
        Order.objects.bulk_update(self.orders, CHANGED)
        if all(each.status == Order.Status.FILLED for each in self.orders):
            self.execution.complete()
            self.execution.completed_at = self.now
            self.keep_result()
        self.execution.updated_at = self.now
        self.execution.save()
        document = exact_document(self.row, self.plan)
        for world in worlds_of(self.row):
            self.tell(document, world)

    def keep_result(self) -> None:
        worlds = worlds_of(self.row)
        keep_positions(
            positions_after(self.plan, self.orders),
            worlds=worlds,
            run_id=self.row.run_id,
            origin="execution",
            total_equity=self.plan.terms.total_equity,
            at=self.now,
        )
        keep_planned(self.row, self.plan, actor=self.actor, reason=self.reason, at=self.now)

    def tell(self, document: Mapping[str, Any], world: str) -> None:
        orders = [own_part(order_document(each), world) for each in self.orders if concerns(each, world)]
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
    now = timezone.now()
    return Execution.objects.create(plan=row, actor=actor.name, started_at=now, updated_at=now), True


def first_orders(plan: Plan, row: PlanRecord, execution: Execution) -> list[Order]:
    orders = orders_of(plan, standings_of(plan.book.strategies), run_id=row.run_id, execution=execution)
    Order.objects.bulk_create(orders)
    return orders


def orders_in(execution: Execution) -> list[Order]:
    return list(Order.objects.filter(execution=execution).order_by("place"))


def rehearsed(row: PlanRecord, plan: Plan) -> dict[str, Any]:
    """What an execution would begin with; nothing is kept."""
    execution = Execution.objects.filter(plan=row).first()
    if execution is not None:
        return execution_document(row, plan, execution, orders_in(execution), dry_run=True)
    orders = orders_of(plan, standings_of(plan.book.strategies), run_id=row.run_id, execution=None)
    return execution_document(row, plan, None, orders, dry_run=True)


def own_part(order: dict[str, Any], world: str) -> dict[str, Any]:
    """An order of a shared account as one world's readers may see it: without the others' parts."""
    return {**order, "parts": [part for part in order["parts"] if part["world_id"] == world]}


def concerns(order: Order, world: str) -> bool:
    return order.world_id == world or any(part["world_id"] == world for part in order.parts)


Reported = dict[tuple[str, str], tuple[Decimal, Decimal, Decimal]]


def reported_fills(orders: Iterable[Order]) -> dict[str, Reported]:
    """By order and (world, strategy): signed quantity, sum of quantity x price, fee. One statement."""
    ids = [each.order_id for each in orders]
    if not ids:
        return {}
    rows = Fill.objects.filter(order_id__in=ids, mode="live").values_list(
        "order_id", "binding__world_id", "binding__strategy_id", "side", "qty", "price", "fee"
    )
    found: dict[str, Reported] = defaultdict(dict)
    for order_id, world, strategy, side, qty, price, fee in rows:
        signed_qty = qty if side == "buy" else -qty
        known = found[order_id].get((world, strategy), (Decimal(0), Decimal(0), Decimal(0)))
        found[order_id][world, strategy] = (known[0] + signed_qty, known[1] + qty * price, known[2] + fee)
    return found


def take(order: Order, reported: Reported, turn: Pass) -> None:
    """Filled when each strategy has its part (a proxy order: when its quantity is there)."""
    if not reported:
        return
    total = sum((quantity for quantity, _, _ in reported.values()), Decimal(0))
    traded = sum((value for _, value, _ in reported.values()), Decimal(0))
    whole = sum((abs(quantity) for quantity, _, _ in reported.values()), Decimal(0))
    wanted = {(part["world_id"], part["strategy_id"]): Decimal(part["qty"]) for part in order.parts}
    got = {owner: quantity for owner, (quantity, _, _) in reported.items() if quantity}
    if (got == wanted) if wanted else (total == signed(order)):
        order.fill()
    turn.note(
        order,
        filled=min(abs(total), order.qty) if order.qty else Decimal(0),
        price=(traded / whole) if whole else None,
        fee=sum((fee for _, _, fee in reported.values()), Decimal(0)),
        executor=order.executor,
    )

"""Orders of an execution: made from the plan once, then each with its own life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from django.utils import timezone

from qmtl.brokers import client_order_id
from qmtl_site.http.refusals import Invalid
from rebalancing.domain.book import Strategy
from rebalancing.domain.document import plain
from rebalancing.domain.orders import Intent, Standing, intents
from rebalancing.domain.plan import Plan
from rebalancing.models import Execution, Order
from rebalancing.models.plans import DIGITS, PLACES

CLOSED = "E_GATE_CLOSED"
OUT_OF_RANGE = "E_OUT_OF_RANGE"


def orders_of(
    plan: Plan, standings: Mapping[Strategy, Standing], *, run_id: str, execution: Execution | None
) -> list[Order]:
    """Unsaved; an order has the same id whenever it is made from the same plan."""
    made = [
        order_of(intent, place, plan.steps.places, run_id, execution)
        for place, intent in enumerate(intents(plan, standings))
    ]
    return [order for order in made if order.qty or order.parts]


def order_of(intent: Intent, place: int, places: int, run_id: str, execution: Execution | None) -> Order:
    venue, symbol = intent.instrument
    return Order(
        execution=execution,
        order_id=client_order_id(
            "rebalancing", run_id, *map(str, intent.account), venue, symbol, intent.purpose, place
        ),
        place=place,
        world_id=intent.account.world,
        mode=intent.account.mode,
        purpose=intent.purpose,
        symbol=symbol,
        venue=venue,
        side="sell" if intent.quantity < 0 else "buy",
        qty=decimal(abs(intent.quantity), places),
        mark=exact_decimal(intent.mark),
        parts=[
            {"world_id": world, "strategy_id": strategy, "qty": plain(decimal(quantity, places))}
            for (world, strategy), quantity in intent.parts
        ],
        reason=closed_reason(intent.refused),
        code=CLOSED if intent.refused else "",
        updated_at=timezone.now(),
    )


def decimal(mantissa: int, places: int) -> Decimal:
    return Decimal(f"{mantissa}e-{places}")


def exact_decimal(value: Fraction) -> Decimal:
    """A number of at most 18 decimals."""
    return Decimal(f"{value.numerator * 10**18 // value.denominator}e-18")


def closed_reason(strategies: Iterable[Strategy]) -> str:
    names = [f"{strategy} in {world}" for world, strategy in strategies]
    return f"the gate is closed of {', '.join(names)}"[:500] if names else ""


def strategies_of(order: Order) -> list[Strategy]:
    return [(part["world_id"], part["strategy_id"]) for part in order.parts]


def is_kept(value: Decimal) -> bool:
    """Whether a column holds it."""
    return bool(abs(Fraction(value)) < 10 ** (DIGITS - PLACES))


def refuse_too_large(orders: Iterable[Order]) -> None:
    """Invalid for quantities that no order, and no fill, could keep: of prices next to nothing, of sums of many."""
    for order in orders:
        if not all(map(is_kept, [order.qty, *(Decimal(part["qty"]) for part in order.parts)])):
            said = f"The order in {order.symbol!r} would be of 1e{DIGITS - PLACES} or more: plan it in parts"
            raise Invalid.at("/run_id", said)


def closed_gates(order: Order, standings: Mapping[Strategy, Standing]) -> list[Strategy]:
    """Strategies that may not open what the order opens; for a proxy order, those of its world that trade like it."""
    if order.purpose != "open":
        return []
    named = strategies_of(order)
    if not named:
        named = sorted(
            name for name, each in standings.items() if name[0] == order.world_id and each.mode == order.mode
        )
    return [each for each in named if not standings[each].may_open]

"""Orders of an execution: made from the plan once, then each with its own life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction

import orjson
from django.utils import timezone

from qmtl.brokers import client_order_id
from qmtl_site.database import insert_rows
from qmtl_site.http.refusals import Invalid
from rebalancing.domain.book import Strategy
from rebalancing.domain.document import plain
from rebalancing.domain.orders import Intent, Standing, intents
from rebalancing.domain.plan import Plan
from rebalancing.models import Execution, Order
from rebalancing.models.plans import DIGITS, PLACES
from rebalancing.selectors.executions import MOST_SHOWN, Shown

CLOSED = "E_GATE_CLOSED"
OUT_OF_RANGE = "E_OUT_OF_RANGE"
BOUND = Decimal(10) ** (DIGITS - PLACES)


@dataclass(frozen=True)
class Draft:
    """An order that nobody has kept yet. Not the model's: of a hundred thousand orders few are shown before."""

    order_id: str
    place: int
    world_id: str | None
    mode: str
    purpose: str
    symbol: str
    venue: str
    side: str
    qty: Decimal
    mark: Decimal
    parts: list[dict[str, str]]
    reason: str
    code: str

    def order(self) -> Order:
        """Unsaved."""
        return Order(**{name: getattr(self, name) for name in DRAFTED}, updated_at=timezone.now())


DRAFTED = tuple(field.name for field in fields(Draft))
AT_FIRST = {"status": "new", "executor": "", "filled_qty": 0, "average_price": None, "fee": 0}


def drafts_of(plan: Plan, standings: Mapping[Strategy, Standing], *, run_id: str) -> list[Draft]:
    """Every order of the plan; one has the same id whenever it is made from the same plan."""
    made = [
        draft_of(intent, place, plan.steps.places, run_id)
        for place, intent in enumerate(intents(plan, standings))
    ]
    return [each for each in made if each.qty or each.parts]


def draft_of(intent: Intent, place: int, places: int, run_id: str) -> Draft:
    venue, symbol = intent.instrument
    return Draft(
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
    )


def keep_drafts(drafts: Sequence[Draft], execution: Execution) -> None:
    """As new orders of the execution."""
    now = timezone.now()
    rest = [name for name in DRAFTED if name != "parts"]
    columns = ["execution_id", "updated_at", *AT_FIRST, "parts", *rest]
    begin = (execution.pk, now, *AT_FIRST.values())
    rows = (
        (*begin, orjson.dumps(each.parts).decode(), *[getattr(each, name) for name in rest])
        for each in drafts
    )
    insert_rows(Order, columns, rows)


def decimal(mantissa: int, places: int) -> Decimal:
    return Decimal(f"{mantissa}e-{places}")


def exact_decimal(value: Fraction) -> Decimal:
    """A number of at most 18 decimals."""
    return Decimal(f"{value.numerator * 10**18 // value.denominator}e-18")


def shown_planned(drafts: Sequence[Draft], most: int = MOST_SHOWN) -> Shown:
    """Of orders that nobody has sent."""
    return Shown([each.order() for each in drafts[:most]], {"new": len(drafts)} if drafts else {})


def closed_reason(strategies: Iterable[Strategy]) -> str:
    names = [f"{strategy} in {world}" for world, strategy in strategies]
    return f"the gate is closed of {', '.join(names)}"[:500] if names else ""


def strategies_of(order: Order) -> list[Strategy]:
    return [(part["world_id"], part["strategy_id"]) for part in order.parts]


def is_kept(value: Decimal) -> bool:
    """Whether a column holds it."""
    return value.copy_abs() < BOUND


def refuse_too_large(orders: Iterable[Draft]) -> None:
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
